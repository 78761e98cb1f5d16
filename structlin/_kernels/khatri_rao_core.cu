// Sums of tensors of rank one. REAL is the type of the numbers.

// Write out (p, m n), whose entry (a, b n + c) is the sum over q < terms of
// left[a, q] middle[b, q] right[c, q]; all three have terms columns.
//
// A block of 16 x 16 threads makes a tile of 64 x 64 entries, 4 x 4 to a thread. The products of
// middle and right are made as the tile is read, and are never stored elsewhere. Tiles along the
// second axis of the launch come in turn.
extern "C" __global__ void __launch_bounds__(256)
    khatri_rao_core(REAL* out, const REAL* left, const REAL* middle, const REAL* right, int p, int m,
                    int n, long long terms) {
    __shared__ REAL rows[16][65];
    __shared__ REAL columns[16][65];
    const int thread = threadIdx.y * 16 + threadIdx.x;
    const long long width = (long long)m * n;
    const long long tiles = (width + 63) / 64;
    const int top = blockIdx.x * 64;
    for (long long tile = blockIdx.y; tile < tiles; tile += gridDim.y) {
        REAL sum[4][4] = {};
        for (long long start = 0; start < terms; start += 16) {
            for (int k = thread; k < 1024; k += 256) {
                const long long q = start + k % 16;
                const int a = top + k / 16;
                const long long bc = tile * 64 + k / 16;
                const bool inside = q < terms;
                rows[k % 16][k / 16] = inside && a < p ? left[a * terms + q] : (REAL)0;
                columns[k % 16][k / 16] =
                    inside && bc < width ? middle[bc / n * terms + q] * right[bc % n * terms + q]
                                         : (REAL)0;
            }
            __syncthreads();
            for (int q = 0; q < 16; ++q)
                for (int i = 0; i < 4; ++i)
                    for (int j = 0; j < 4; ++j)
                        sum[i][j] +=
                            rows[q][threadIdx.y + 16 * i] * columns[q][threadIdx.x + 16 * j];
            __syncthreads();
        }
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j) {
                const int a = top + threadIdx.y + 16 * i;
                const long long bc = tile * 64 + threadIdx.x + 16 * j;
                if (a < p && bc < width) out[a * width + bc] = sum[i][j];
            }
    }
}
