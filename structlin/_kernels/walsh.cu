// The Walsh-Hadamard transform in place, of rows of numbers that are a step apart.
//
// REAL is the type of the numbers; complex ones are pairs of them. A piece or a tile is transformed in
// shared memory by one block of threads: the lower levels in pieces of consecutive rows, the upper ones
// in tiles of runs a distance apart. Pieces and tiles beyond the blocks of a launch come in turn.

// All levels of `size` numbers whose rows are `step` apart, from neighbours to halves.
static __device__ void levels(REAL* a, int size, int step) {
    for (int h = step; h < size; h *= 2) {
        __syncthreads();
        for (int p = threadIdx.x; p < size / 2; p += blockDim.x) {
            const int i = p / h * 2 * h + p % h;
            const REAL first = a[i], second = a[i + h];
            a[i] = first + second;
            a[i + h] = first - second;
        }
    }
    __syncthreads();
}

// Pieces of `size` consecutive numbers: size / step is a power of two.
extern "C" __global__ void near_levels(REAL* x, long long pieces, int size, int step) {
    extern __shared__ double shared[];
    REAL* a = (REAL*)shared;
    for (long long piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
        REAL* part = x + piece * size;
        for (int i = threadIdx.x; i < size; i += blockDim.x) a[i] = part[i];
        levels(a, size, step);
        for (int i = threadIdx.x; i < size; i += blockDim.x) part[i] = a[i];
        __syncthreads();
    }
}

// Tiles of `tall` runs, `inner` apart: a row of tiles covers `inner` numbers, `width` or fewer each.
extern "C" __global__ void far_levels(REAL* x, long long tiles, long long inner, long long across,
                                      int tall, int width) {
    extern __shared__ double shared[];
    REAL* a = (REAL*)shared;
    for (long long tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const long long column = tile % across * width;
        REAL* begin = x + tile / across * tall * inner + column;
        const int w = inner - column < width ? (int)(inner - column) : width;
        for (int i = threadIdx.x; i < tall * w; i += blockDim.x) a[i] = begin[i / w * inner + i % w];
        levels(a, tall * w, w);
        for (int i = threadIdx.x; i < tall * w; i += blockDim.x) begin[i / w * inner + i % w] = a[i];
        __syncthreads();
    }
}
