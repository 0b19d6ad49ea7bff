/* Second half: on the arrivals of golden.txt, every spike, membrane and output of every step is what stands there. */

static int64_t expected[SNNCC_LARGEST_POPULATION];
static int64_t actual[SNNCC_LARGEST_POPULATION];
static char population_titles[SNNCC_POPULATIONS][2 * TOKEN];

static int golden_head(reader *from)
{
    char name[TOKEN], layer[TOKEN];

    if (want(from, "snncc-golden") || same(from, 1) || want(from, "populations") || same(from, SNNCC_POPULATIONS)) {
        return 1;
    }
    for (int32_t k = 0; k < SNNCC_POPULATIONS; k++) {
        if (want(from, "population") || same(from, k) || same(from, population_sizes[k]) ||
            text(from, name) || text(from, layer)) {
            return 1;
        }
        snprintf(population_titles[k], sizeof population_titles[k], "'%.200s', layer %.200s", name, layer);
    }
    for (int32_t ends = 0; ends < 2; ends++) {
        const int32_t count = ends ? SNNCC_OUTPUTS : SNNCC_INPUTS;

        if (want(from, ends ? "outputs" : "inputs") || same(from, count)) {
            return 1;
        }
        for (int32_t k = 0; k < count; k++) {
            if (want(from, ends ? "output" : "input") || same(from, k) ||
                same(from, ends ? output_populations[k] : input_populations[k]) ||
                text(from, name)) {
                return 1;
            }
        }
    }
    return 0;
}

static int golden_arrivals(reader *from)
{
    int64_t input = 0, count = 0, neuron = 0, value = 0;

    if (number(from, &input, 0, (int64_t)SNNCC_INPUTS - 1) || number(from, &count, 0, input_size((int32_t)input))) {
        return 1;
    }
    for (int64_t i = 0; i < count; i++) {
        if (number(from, &neuron, 0, input_size((int32_t)input) - 1) ||
            number(from, &value, INT64_MIN, INT64_MAX)) {
            return 1;
        }
        if (snncc_input(&net, (int32_t)input, (int32_t)neuron, value)) {
            return damaged(from, "a value that the input takes");
        }
    }
    return 0;
}

/* Compare the spikes of a population with what follows; 0, or 1 after a message. */
static int golden_spikes(reader *from, int32_t population)
{
    const int32_t size = population_sizes[population], fired = snncc_spike_count(&net, population);
    int64_t count = 0, neuron = 0, payload = 0;

    memset(expected, 0, (size_t)size * sizeof expected[0]);
    memset(actual, 0, (size_t)size * sizeof actual[0]);
    if (number(from, &count, 0, size)) {
        return 1;
    }
    for (int64_t i = 0; i < count; i++) {
        if (number(from, &neuron, 0, size - 1) || number(from, &payload, INT64_MIN, INT64_MAX)) {
            return 1;
        }
        expected[neuron] = payload;
    }
    for (int32_t k = 0; k < fired; k++) {
        actual[snncc_spike_neuron(&net, population, k)] = snncc_spike_payload(&net, population, k);
    }
    for (int32_t i = 0; i < size; i++) {
        if (actual[i] != expected[i]) {
            printf("FAIL step %" PRId64 " population %" PRId32 " (%s) neuron %" PRId32 ": spike %" PRId64
                   ", golden %" PRId64 "\n", net.now - 1, population, population_titles[population], i, actual[i],
                   expected[i]);
            return 1;
        }
    }
    return 0;
}

static int golden_population(reader *from, int32_t population)
{
    uint64_t wanted = 0, sum = 0;

    if (want(from, "p") || same(from, population) || checksum(from, &wanted) || golden_spikes(from, population)) {
        return 1;
    }
    snncc_membranes(&net, population, actual);
    for (int32_t i = 0; i < population_sizes[population]; i++) {
        sum = sum * UINT64_C(1099511628211) + (uint64_t)actual[i];
    }
    if (sum != wanted) {
        printf("FAIL step %" PRId64 " population %" PRId32 " (%s): membranes have the checksum %" PRIu64
               ", golden %" PRIu64 "\n", net.now - 1, population, population_titles[population], sum, wanted);
        return 1;
    }
    return 0;
}

static int golden_output(reader *from, int32_t output)
{
    const int32_t population = output_populations[output];
    int64_t wanted = 0;

    if (want(from, "o") || same(from, output) || same(from, output_size(output))) {
        return 1;
    }
    for (int32_t i = 0; i < output_size(output); i++) {
        const int64_t found = snncc_output(&net, output, i);

        if (number(from, &wanted, INT64_MIN, INT64_MAX)) {
            return 1;
        }
        if (found != wanted) {
            printf("FAIL step %" PRId64 " output %" PRId32 " of population %" PRId32 " (%s) element %" PRId32
                   ": %" PRId64 ", golden %" PRId64 "\n", net.now - 1, output, population,
                   population_titles[population], i, found, wanted);
            return 1;
        }
    }
    return 0;
}

/* Run a step and compare it; the token that follows its arrivals, "p", has been read. */
static int golden_step(reader *from)
{
    const int32_t failed = snncc_step(&net);

    if (failed) {
        printf("FAIL step %" PRId64 ": a state or payload of population %" PRId32 " (%s) left its declared width\n",
               net.now, failed - 1, population_titles[failed - 1]);
        return 1;
    }
    for (int32_t population = 0; population < SNNCC_POPULATIONS; population++) {
        if (golden_population(from, population)) {
            return 1;
        }
    }
    for (int32_t output = 0; output < SNNCC_OUTPUTS; output++) {
        if (snncc_output_ready(&net, output) && golden_output(from, output)) {
            return 1;
        }
    }
    return 0;
}

/* Put back a token of one letter, as all are that begin the lines of a step. */
static int peek(reader *from, char letter)
{
    int c = getc(from->file);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        c = getc(from->file);
    }
    if (c != EOF) {
        ungetc(c, from->file);
    }
    return c == letter;
}

static int golden_steps(reader *from, int64_t *steps)
{
    if (want(from, "steps") || number(from, steps, 0, INT64_MAX - 1)) {
        return 1;
    }
    for (int64_t k = 0; k < *steps; k++) {
        if (want(from, "t") || same(from, k)) {
            return 1;
        }
        while (peek(from, 'i')) {
            if (want(from, "i") || golden_arrivals(from)) {
                return 1;
            }
        }
        if (golden_step(from)) {
            return 1;
        }
    }
    return want(from, "end");
}

static int run_selftest(const char *golden, const char *weights)
{
    reader from;
    int64_t steps = 0;
    int wrong = check_weights(weights);

    snncc_init(&net);
    if (open_reader(&from, golden)) {
        return 1;
    }
    wrong |= golden_head(&from) || golden_steps(&from, &steps);
    fclose(from.file);
    if (!wrong) {
        printf("PASS %" PRId64 " steps and %d arrays\n", steps, (int)SNNCC_ARRAYS);
    }
    return wrong;
}
