// Compares packaging/gemm.inc with plain loops. Prints what differs and ends with 1, or with 0.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include <immintrin.h>

#define GGML_ASSERT(x) do { if (!(x)) abort(); } while (0)
typedef uint16_t ggml_fp16_t;
struct block_q8_0 {
    ggml_fp16_t d;
    int8_t qs[32];
};

#include GEMM

#if !defined(__AVX2__)
#error "these kernels need AVX2"
#endif

static uint32_t seed = 7;
// From -1 to 1.
static float any() {
    seed = seed * 1664525u + 1013904223u;
    return (int32_t) seed / 2147483648.0f;
}

static void make(ggml_fp16_t & x) { x = _cvtss_sh(any(), 0); }
static void make(block_q8_0 & x) {
    x.d = _cvtss_sh(0.02f * any(), 0);
    for (int8_t & q : x.qs)
        q = any() > 0.95f ? -128 : (int8_t) lrintf(127 * any());
}

static double product(ggml_fp16_t a, ggml_fp16_t b) { return (double) _cvtsh_ss(a) * _cvtsh_ss(b); }
static double product(const block_q8_0 & a, const block_q8_0 & b) {
    int sum = 0;
    for (int i = 0; i < 32; ++i)
        sum += a.qs[i] * b.qs[i];
    return (double) _cvtsh_ss(a.d) * _cvtsh_ss(b.d) * sum;
}

static int wrong = 0;

// Rows of A and B lie further apart than they are long, and nothing but C may be written.
template <typename Kind> void check(const char * name, int64_t m, int64_t n, int64_t k, int threads, bool taken) {
    typedef typename Kind::Number Number;
    const int64_t lda = k + 3, ldb = k + 1, ldc = m + 5;
    std::vector<Number> A(m * lda), B(n * ldb);
    for (auto * all : {&A, &B})
        for (Number & x : *all)
            make(x);
    const float untouched = 12345;
    std::vector<float> C(n * ldc, untouched);
    for (int ith = 0; ith < threads; ++ith)
        if (runaround::multiply(Kind{k}, m, n, A.data(), lda, B.data(), ldb, C.data(), ldc, ith, threads) != taken) {
            printf("%s %ld x %ld x %ld: %s\n", name, (long) m, (long) n, (long) k, taken ? "refused" : "taken");
            wrong = 1;
            return;
        }
    for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < ldc; ++i) {
            double wanted = untouched, size = 0;
            if (taken && i < m) {
                wanted = 0;
                for (int64_t l = 0; l < k; ++l) {
                    const double one = product(A[i * lda + l], B[j * ldb + l]);
                    wanted += one;
                    size += std::fabs(one);
                }
            }
            if (!(std::fabs(C[j * ldc + i] - wanted) <= 2e-6 * size)) {
                printf("%s %ld x %ld x %ld, %d threads: row %ld, column %ld is %g and not %g\n", name, (long) m, (long) n, (long) k, threads, (long) i, (long) j, C[j * ldc + i], wanted);
                wrong = 1;
                return;
            }
        }
}

int main() {
    for (int64_t n : {24, 25, 29, 30, 97})
        for (int threads : {1, 3}) {
            check<runaround::Halves>("halves", 64, n, 64, threads, true);
            check<runaround::Halves>("halves", 320, n, 1408, threads, true);
            check<runaround::Blocks>("blocks", 64, n, 2, threads, true);
            check<runaround::Blocks>("blocks", 512, n, 64, threads, true);
        }
    check<runaround::Halves>("halves", 64, 40, 60, 1, false);
    check<runaround::Halves>("halves", 72 + 1, 40, 64, 1, false);
    check<runaround::Halves>("halves", 64, 23, 64, 1, false);
    check<runaround::Blocks>("blocks", 65, 40, 2, 1, false);
    check<runaround::Blocks>("blocks", 64, 5, 2, 1, false);
    return wrong;
}
