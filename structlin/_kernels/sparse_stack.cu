// Products with stacked CountSketches, one thread per column and sum: the order of every sum is that
// of the rows, whatever the device.
//
// REAL is the type of the numbers; complex ones are pairs of them. Entry j of row i of the operand
// stands at i * row_step + (j / parts) * column_step + j % parts. A hit is twice a row, plus one where
// it is subtracted. Rows beyond the blocks of a launch come in turn.

// Add rows to the sums (d, n): those of sum q are order[ends[q - 1]], …, order[ends[q] - 1].
extern "C" __global__ void add_hits(REAL* sums, const REAL* rows, long long row_step,
                                    long long column_step, int parts, const long long* ends,
                                    const int* order, int d, int n) {
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= n) return;
    const long long column = (j / parts) * column_step + j % parts;
    for (int q = blockIdx.y * blockDim.y + threadIdx.y; q < d; q += gridDim.y * blockDim.y) {
        const long long at = (long long)q * n + j;
        REAL sum = sums[at];
        for (long long k = q ? ends[q - 1] : 0; k < ends[q]; ++k) {
            const REAL value = rows[(order[k] >> 1) * row_step + column];
            sum += order[k] & 1 ? -value : value;
        }
        sums[at] = sum;
    }
}

// Write the product with the transpose of the sketch: out (rows, n), the sums of rows of y (d, n).
extern "C" __global__ void gather_hits(REAL* out, const REAL* y, const int* hits, int nonzeros,
                                       int rows, int n) {
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= n) return;
    for (int i = blockIdx.y * blockDim.y + threadIdx.y; i < rows; i += gridDim.y * blockDim.y) {
        REAL sum = 0;
        for (int t = 0; t < nonzeros; ++t) {
            const int hit = hits[(long long)i * nonzeros + t];
            const REAL value = y[(long long)(hit >> 1) * n + j];
            sum += hit & 1 ? -value : value;
        }
        out[(long long)i * n + j] = sum;
    }
}
