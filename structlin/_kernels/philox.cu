// The counter-based generator Philox4x32-10: one thread per draw, which makes four words.

extern "C" __global__ void write_words(unsigned int* out, unsigned long long seed, unsigned int stream,
                                       unsigned long long start, unsigned int first, unsigned int calls,
                                       long long draws) {
    const long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (at >= draws) return;
    const unsigned long long place = start + at / calls;
    unsigned int c0 = (unsigned int)place, c1 = (unsigned int)(place >> 32);
    unsigned int c2 = first + (unsigned int)(at % calls), c3 = stream;
    unsigned int k0 = (unsigned int)seed, k1 = (unsigned int)(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
        c0 = (unsigned int)(p1 >> 32) ^ c1 ^ k0;
        c2 = (unsigned int)(p0 >> 32) ^ c3 ^ k1;
        c1 = (unsigned int)p1;
        c3 = (unsigned int)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[4 * at] = c0;
    out[4 * at + 1] = c1;
    out[4 * at + 2] = c2;
    out[4 * at + 3] = c3;
}
