// Compares packaging/vectors.inc and packaging/median.inc with plain loops. Prints what differs and ends with 1, or with 0.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include <immintrin.h>

// What ggml has of its own, as far as it is used.
static float plain_gelu(float x) {
    return 0.5f * x * (1 + std::tanh(0.79788456f * x * (1 + 0.044715f * x * x)));
}
static void ggml_vec_gelu_f32(int n, float * y, const float * x) {
    for (int i = 0; i < n; ++i)
        y[i] = plain_gelu(x[i]);
}
template <typename Vector> static Vector exponentials(Vector x) {
    float lanes[sizeof(Vector) / sizeof(float)];
    memcpy(lanes, &x, sizeof(x));
    for (float & lane : lanes)
        lane = std::exp(lane);
    memcpy(&x, lanes, sizeof(x));
    return x;
}
#if defined(__AVX512F__) && defined(__AVX512DQ__)
static __m512 ggml_v_expf(__m512 x) { return exponentials(x); }
#else
static __m256 ggml_v_expf(__m256 x) { return exponentials(x); }
#endif
enum { GGML_TYPE_F32, GGML_TYPE_F16 };
struct ggml_tensor {
    int type;
    int64_t ne[4];
    size_t nb[4];
    void * data;
};

#include VECTORS
#include MEDIAN

static uint32_t seed = 7;
// From -1 to 1.
static float any() {
    seed = seed * 1664525u + 1013904223u;
    return (int32_t) seed / 2147483648.0f;
}

static int wrong = 0;
static void fail(const char * what, long at, double is, double wanted) {
    printf("%s, %ld: %g and not %g\n", what, at, is, wanted);
    wrong = 1;
}

static void check_greatest() {
    for (int n : {1, 2, 63, 64, 65, 200, 1488})
        for (int round = 0; round < 40; ++round) {
            std::vector<float> x(n);
            for (float & one : x)
                one = any() - (round % 2 ? 2 : 0);
            if (round % 3 == 0)
                x[round % n] = -INFINITY;
            const float is = runaround::greatest(n, x.data()), wanted = *std::max_element(x.begin(), x.end());
            if (is != wanted)
                fail("greatest", n, is, wanted);
        }
}

static void check_gelu() {
    for (int n : {1, 7, 8, 16, 31, 500}) {
        std::vector<float> x(n), y(n + 1, 12345);
        for (int i = 0; i < n; ++i)
            x[i] = i % 5 == 0 ? 100 * any() : 6 * any();
        runaround::gelu(n, y.data(), x.data());
        for (int i = 0; i < n; ++i)
            if (!(std::fabs(y[i] - plain_gelu(x[i])) <= 2e-6 * (1 + std::fabs(x[i]))))
                fail("gelu", i, y[i], plain_gelu(x[i]));
        if (y[n] != 12345)
            fail("gelu beyond its end", n, y[n], 12345);
    }
}

// A tensor of heads, words and time whose words lie side by side, as the attention has it, and one whose numbers lie in order.
static void check_median(int64_t heads, int64_t words, int64_t time) {
    std::vector<float> from(heads * words * time), to(heads * words * time, 12345);
    for (float & one : from)
        one = std::round(20 * any());
    ggml_tensor a = {GGML_TYPE_F32, {heads, words, time, 1}, {4 * (size_t) (words * time), 4, 4 * (size_t) words, 0}, from.data()};
    ggml_tensor dst = {GGML_TYPE_F32, {heads, words, time, 1}, {4, 4 * (size_t) heads, 4 * (size_t) (heads * words), 0}, to.data()};
    if (!runaround::median_of_7(&dst, &a, 7))
        return fail("median refused", time, 0, 1);
    for (int64_t i = 0; i < heads; ++i)
        for (int64_t j = 0; j < words; ++j)
            for (int64_t k = 0; k < time; ++k) {
                std::vector<float> around;
                for (int64_t off = -3; off <= 3; ++off) {
                    int64_t at = k + off;
                    at = at < 0 ? -at : at >= time ? 2 * (time - 1) - at : at;
                    around.push_back(from[(i * time + at) * words + j]);
                }
                std::sort(around.begin(), around.end());
                const float is = to[(k * words + j) * heads + i];
                if (is != around[3])
                    return fail("median", k, is, around[3]);
            }
    a.nb[1] = 8;
    if (runaround::median_of_7(&dst, &a, 7) || runaround::median_of_7(&dst, &dst, 9))
        fail("median taken", time, 1, 0);
}

int main() {
    check_greatest();
    check_gelu();
    check_median(1, 1, 8);
    check_median(8, 37, 100);
    return wrong;
}
