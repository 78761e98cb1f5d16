// Values of a function in Tucker form at points, one thread per point.
//
// REAL is the type of the numbers of core, coefficients and values. Every thread keeps its values
// of the functions of one variable in a column of the shared memory, which nobody else reads.

// columns of coefficients, and rows of the core, that share one pass
const int COLUMNS = 8;
const int ROWS = 4;

// Write the values of n functions with r columns of coefficients: Chebyshev polynomials of t, or
// 1, cos, sin, cos 2, sin 2, ... of an angle with this cosine and sine.
__device__ static void functions(REAL* values, int stride, const REAL* coefficients, int n, int r,
                                 bool periodic, REAL t, REAL sine) {
    for (int first = 0; first < r; first += COLUMNS) {
        const int columns = min(COLUMNS, r - first);
        REAL sums[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; ++c) sums[c] = 0;
        REAL before = t, last = 1;  // polynomials of degrees -1 and 0
        REAL wave = 1, other = 0;   // cosine and sine of a multiple of the angle
        for (int k = 0; k < n; ++k) {
            REAL value = last;
            if (!periodic) {
                const REAL next = 2 * t * last - before;
                before = last;
                last = next;
            } else if (k % 2) {
                const REAL turned = wave * t - other * sine;
                other = wave * sine + other * t;
                value = wave = turned;
            } else if (k > 0) {
                value = other;
            }
            const REAL* row = coefficients + (long long)k * r + first;
#pragma unroll
            for (int c = 0; c < COLUMNS; ++c)
                if (c < columns) sums[c] += row[c] * value;
        }
#pragma unroll
        for (int c = 0; c < COLUMNS; ++c)
            if (c < columns) values[(first + c) * stride] = sums[c];
    }
}

// sizes: length and number of columns of the coefficients of every axis, which follow one another;
// ends: low, high, and whether the axis is periodic; points: one axis after the other.
extern "C" __global__ void values_at_points(REAL* out, const double* points, long long N,
                                            const REAL* core, const REAL* coefficients,
                                            const int* sizes, const double* ends, int d) {
    extern __shared__ REAL shared[];
    const long long p = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (p >= N) return;
    const int stride = blockDim.x;
    REAL* mine = shared + threadIdx.x;
    REAL unknown = 0;  // NaN where a coordinate is: constants do not have it from the coordinate
    REAL* place = mine;
    long long matrices = 1;
    for (int axis = 0; axis < d; ++axis) {
        const double x = points[axis * N + p], low = ends[3 * axis], high = ends[3 * axis + 1];
        const bool periodic = ends[3 * axis + 2] != 0;
        const int n = sizes[2 * axis], r = sizes[2 * axis + 1];
        unknown += (REAL)(0 * x);
        REAL t, sine = 0;
        if (periodic) {
            const double turns = (x - low) / (high - low);
            double s, c;
            sincospi(2 * (turns - rint(turns)), &s, &c);
            t = (REAL)c;
            sine = (REAL)s;
        } else {
            t = (REAL)(((x - low) - (high - x)) / (high - low));
        }
        functions(place, stride, coefficients, n, r, periodic, t, sine);
        place += r * stride;
        coefficients += (long long)n * r;
        if (axis < d - 2) matrices *= r;
    }
    // the core is a stack of matrices for its last two axes
    const int columns = sizes[2 * d - 1], rows = d > 1 ? sizes[2 * d - 3] : 1;
    const REAL* right = place - columns * stride;
    const REAL* left = right - rows * stride;
    REAL total = 0;
    for (long long matrix = 0; matrix < matrices; ++matrix) {
        REAL part = 0;
        for (int i = 0; i < rows; i += ROWS) {
            const int count = min(ROWS, rows - i);
            REAL sums[ROWS];
#pragma unroll
            for (int a = 0; a < ROWS; ++a) sums[a] = 0;
            for (int k = 0; k < columns; ++k) {
                const REAL value = right[k * stride];
#pragma unroll
                for (int a = 0; a < ROWS; ++a)
                    if (a < count) sums[a] += core[(long long)a * columns + k] * value;
            }
#pragma unroll
            for (int a = 0; a < ROWS; ++a)
                if (a < count) part += d > 1 ? sums[a] * left[(i + a) * stride] : sums[a];
            core += (long long)count * columns;
        }
        long long index = matrix;
        const REAL* weights = left;
        for (int axis = d - 3; axis >= 0; --axis) {
            const int r = sizes[2 * axis + 1];
            weights -= r * stride;
            part *= weights[(index % r) * stride];
            index /= r;
        }
        total += part;
    }
    out[p] = total + unknown;
}
