/*
 * Every spike and every membrane, binary. All numbers are little-endian and signed, of 8 bytes unless said otherwise.
 * stdin: for every step the count of arrivals, then input, neuron, value of each.
 * stdout: first the number of populations, and of each its neurons and the bytes of a membrane, 4 or 8; then for every
 * step 0 and for every population the count of spikes, neuron and payload of each, and all membranes; a population
 * without spikes whose membranes are those of the step before gives the count -1 and nothing else. A step in which a
 * value left its width gives 1 + its population and ends it all, a value that is refused gives -1.
 */

static int64_t membranes[SNNCC_LARGEST_POPULATION];
static int64_t membranes_before[SNNCC_NEURONS]; /* of every population, one after the other */
static uint8_t trace_words[2 * SNNCC_LARGEST_POPULATION * sizeof(int64_t)];

/* Whether a population does as in the step before; its membranes are kept where it does not. */
static int same_as_before(int32_t population, int64_t *before)
{
    const size_t bytes = (size_t)population_sizes[population] * sizeof(int64_t);

    snncc_membranes(&net, population, membranes);
    if (net.now > 1 && snncc_spike_count(&net, population) == 0 && memcmp(before, membranes, bytes) == 0) {
        return 1;
    }
    memcpy(before, membranes, bytes);
    return 0;
}

static void trace_population(int32_t population, int64_t *before)
{
    const int32_t size = population_sizes[population], bytes = membrane_bytes[population];
    const int32_t count = snncc_spike_count(&net, population);

    if (same_as_before(population, before)) {
        write_word(-1);
        return;
    }
    write_word(count);
    for (int32_t k = 0; k < count; k++) {
        put(&trace_words[16 * (size_t)k], (uint64_t)snncc_spike_neuron(&net, population, k), 8);
        put(&trace_words[16 * (size_t)k + 8], (uint64_t)snncc_spike_payload(&net, population, k), 8);
    }
    fwrite(trace_words, 16, (size_t)count, stdout);
    if (bytes == 4) {
        for (int32_t i = 0; i < size; i++) {
            put(&trace_words[4 * (size_t)i], (uint64_t)membranes[i], 4);
        }
    } else {
        for (int32_t i = 0; i < size; i++) {
            put(&trace_words[8 * (size_t)i], (uint64_t)membranes[i], 8);
        }
    }
    fwrite(trace_words, (size_t)bytes, (size_t)size, stdout);
}

/* 1 after the arrivals of a step, 0 at the end of the input, -1 after a message. */
static int read_arrivals(void)
{
    int64_t count = 0, arrival[3] = {0};
    int found = read_word(&count);

    if (found < 0 || (found > 0 && count < 0)) {
        fail("the count of arrivals of step %" PRId64 " is damaged", net.now);
        return -1;
    }
    for (int64_t i = 0; found > 0 && i < count; i++) {
        for (int32_t k = 0; k < 3; k++) {
            if (read_word(&arrival[k]) <= 0) {
                fail("the arrivals end early");
                return -1;
            }
        }
        if (feed(arrival[0], arrival[1], arrival[2])) {
            write_word(-1);
            return -1;
        }
    }
    return found;
}

static int run_trace(void)
{
    int found;

    binary_streams();
    snncc_init(&net);
    write_word(SNNCC_POPULATIONS);
    for (int32_t population = 0; population < SNNCC_POPULATIONS; population++) {
        write_word(population_sizes[population]);
        write_word(membrane_bytes[population]);
    }
    while ((found = read_arrivals()) > 0 && !ferror(stdout)) {
        const int failed = step();

        write_word(failed ? net.failed : 0);
        if (failed) {
            fflush(stdout);
            return 1;
        }
        int64_t *before = membranes_before;
        for (int32_t population = 0; population < SNNCC_POPULATIONS; population++) {
            trace_population(population, before);
            before += population_sizes[population];
        }
    }
    return found < 0 ? 1 : written();
}
