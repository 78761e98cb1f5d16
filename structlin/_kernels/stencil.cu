// Red-black relaxation with a nearest-neighbour stencil on a box, one thread per point.
//
// REAL is the type of the numbers. The grid is three-dimensional in C order (leading axes of one
// point where it has fewer). Weight arrays broadcast: the strides of axes along which a weight does
// not vary are zero, and below[axis] leads from the face below a point to the face above it.

struct Box {
    int n0, n1, n2;      // points per axis
    int wrap0, wrap1, wrap2;
};

struct Weight {
    const REAL* values;
    long long s0, s1, s2;  // strides in entries; zero where the weight does not vary
};

__device__ static REAL residual(const REAL* x, const REAL* b, Box box, Weight d, Weight w0, Weight w1,
                                Weight w2, int i, int j, int k) {
    const long long row = box.n2, plane = (long long)box.n1 * box.n2;
    const long long at = i * plane + j * row + k;
    REAL sum = b[at] - d.values[i * d.s0 + j * d.s1 + k * d.s2] * x[at];
    const long long f0 = i * w0.s0 + j * w0.s1 + k * w0.s2;
    const long long f1 = i * w1.s0 + j * w1.s1 + k * w1.s2;
    const long long f2 = i * w2.s0 + j * w2.s1 + k * w2.s2;
    if (i > 0) sum += w0.values[f0] * x[at - plane];
    else if (box.wrap0) sum += w0.values[f0] * x[at + (box.n0 - 1) * plane];
    if (i < box.n0 - 1) sum += w0.values[f0 + w0.s0] * x[at + plane];
    else if (box.wrap0) sum += w0.values[f0 + w0.s0] * x[at - (box.n0 - 1) * plane];
    if (j > 0) sum += w1.values[f1] * x[at - row];
    else if (box.wrap1) sum += w1.values[f1] * x[at + (box.n1 - 1) * row];
    if (j < box.n1 - 1) sum += w1.values[f1 + w1.s1] * x[at + row];
    else if (box.wrap1) sum += w1.values[f1 + w1.s1] * x[at - (box.n1 - 1) * row];
    if (k > 0) sum += w2.values[f2] * x[at - 1];
    else if (box.wrap2) sum += w2.values[f2] * x[at + box.n2 - 1];
    if (k < box.n2 - 1) sum += w2.values[f2 + w2.s2] * x[at + 1];
    else if (box.wrap2) sum += w2.values[f2 + w2.s2] * x[at - (box.n2 - 1)];
    return sum;
}

// Update all points of one colour: x += omega / d * residual.
extern "C" __global__ void relax_color(REAL* x, const REAL* b, Box box, Weight d, Weight w0, Weight w1,
                                       Weight w2, REAL omega, int color) {
    const int half = (box.n2 + 1) / 2;
    const int s = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y * blockDim.y + threadIdx.y;
    const int i = blockIdx.z;
    const int k = 2 * s + ((i + j + color) & 1);
    if (s >= half || j >= box.n1 || k >= box.n2) return;
    const long long at = ((long long)i * box.n1 + j) * box.n2 + k;
    const REAL r = residual(x, b, box, d, w0, w1, w2, i, j, k);
    x[at] += omega / d.values[i * d.s0 + j * d.s1 + k * d.s2] * r;
}

// Write b - A x.
extern "C" __global__ void write_residual(REAL* r, const REAL* x, const REAL* b, Box box, Weight d,
                                          Weight w0, Weight w1, Weight w2) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y * blockDim.y + threadIdx.y;
    const int i = blockIdx.z;
    if (k >= box.n2 || j >= box.n1) return;
    r[((long long)i * box.n1 + j) * box.n2 + k] = residual(x, b, box, d, w0, w1, w2, i, j, k);
}
