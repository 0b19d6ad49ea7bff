/* Steps since a population's first window began: negative before, then counted within the window. */
static inline int64_t phase_at(int64_t now, int64_t start)
{
    const int64_t since = now - start;
#if SNNCC_INTERVAL > 0
    return since < 0 ? since : since % SNNCC_INTERVAL;
#else
    return since;
#endif
}

/* The same bits as a signed number; compilers make nothing of it. */
static inline int32_t signed32(uint32_t a)
{
    return a <= INT32_MAX ? (int32_t)a : -(int32_t)(UINT32_MAX - a) - 1;
}

static inline int64_t signed64(uint64_t a)
{
    return a <= INT64_MAX ? (int64_t)a : -(int64_t)(UINT64_MAX - a) - 1;
}

static inline int64_t add64(int64_t a, int64_t b)
{
    return signed64((uint64_t)a + (uint64_t)b);
}

static inline int64_t sub64(int64_t a, int64_t b)
{
    return signed64((uint64_t)a - (uint64_t)b);
}

static inline int64_t mul64(int64_t a, int64_t b)
{
    return signed64((uint64_t)a * (uint64_t)b);
}

/* n is 0..31 */
static inline int32_t shl32(int32_t a, int32_t n)
{
    return signed32((uint32_t)a << n);
}

/* Beyond 0..63 nothing is left. */
static inline int64_t shl64(int64_t a, int64_t n)
{
    return n < 0 || n > 63 ? 0 : signed64((uint64_t)a << n);
}

/* Rounds down; n is 0..31. */
static inline int32_t shr32(int32_t a, int32_t n)
{
    return a < 0 ? ~(~a >> n) : a >> n;
}

/* Rounds down; beyond 0..63 the sign is left. */
static inline int64_t shr64(int64_t a, int64_t n)
{
    if (n < 0 || n > 63) {
        return a < 0 ? -1 : 0;
    }
    return a < 0 ? ~(~a >> n) : a >> n;
}

static inline int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int32_t max32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Where lo > hi, hi counts. */
static inline int32_t clip32(int32_t a, int32_t lo, int32_t hi)
{
    const int32_t low = a > lo ? a : lo;
    return low < hi ? low : hi;
}

static inline int64_t clip64(int64_t a, int64_t lo, int64_t hi)
{
    const int64_t low = a > lo ? a : lo;
    return low < hi ? low : hi;
}
