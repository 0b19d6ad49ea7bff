/* Samples back to back, one every interval, as integer levels; one result a sample. */

static int64_t samples[SNNCC_SAMPLES_AHEAD][SNNCC_SAMPLE_LEVELS + 1];
static int64_t results[SNNCC_RESULTS_AHEAD][SNNCC_RESULT_VALUES + 1];
static int64_t samples_read;
static int samples_ended;
static int samples_binary;

/* 1 and a level; 0 at the end of the input; -1 after a message. */
static int read_level(int64_t *level)
{
    char token[TOKEN];
    int found;

    if (samples_binary) {
        found = read_word(level);
        return found < 0 ? (fail("the input ends within a number"), -1) : found;
    }
    found = read_token(stdin, token);
    if (found < 0 || (found > 0 && !parse(token, level))) {
        fail("sample %" PRId64 ": '%.40s' is no integer", samples_read, token);
        return -1;
    }
    return found;
}

/* Read the next sample, all of it or nothing; 0, or 1 after a message. */
static int read_sample(void)
{
    int64_t *sample = samples[samples_read % SNNCC_SAMPLES_AHEAD];
    int32_t place = 0;

    for (int32_t input = 0; input < SNNCC_INPUTS; input++) {
        for (int32_t neuron = 0; neuron < input_size(input); neuron++, place++) {
            const int found = read_level(&sample[place]);

            if (found < 0) {
                return 1;
            }
            if (found == 0) {
                samples_ended = 1;
                return place == 0 ? 0
                                  : fail("sample %" PRId64 " ends after %" PRId32 " of %d levels", samples_read, place,
                                         (int)SNNCC_SAMPLE_LEVELS);
            }
            if (sample[place] < input_least[input] || sample[place] > input_most[input]) {
                return fail("sample %" PRId64 ": level %" PRId64 " of input %" PRId32 " is not in %" PRId64
                            "..%" PRId64, samples_read, sample[place], input, input_least[input], input_most[input]);
            }
        }
    }
    samples_read++;
    return 0;
}

/* Whether there is a sample of that number, reading up to it; -1 after a message. */
static int has_sample(int64_t number)
{
    while (samples_read <= number && !samples_ended) {
        if (read_sample()) {
            return -1;
        }
    }
    return number < samples_read;
}

/* Number of the sample whose turn it is at an end of the network that begins at a step; -1 if none. */
static int64_t turn(int64_t now, int64_t start)
{
    const int64_t since = now - start;

    return since >= 0 && since % (SNNCC_INTERVAL > 0 ? SNNCC_INTERVAL : 1) == 0
               ? since / (SNNCC_INTERVAL > 0 ? SNNCC_INTERVAL : 1)
               : -1;
}

static int feed_samples(void)
{
    int32_t place = 0;

    for (int32_t input = 0; input < SNNCC_INPUTS; input++) {
        const int64_t number = turn(net.now, input_starts[input]);
        const int there = number < 0 ? 0 : has_sample(number);

        if (there < 0) {
            return 1;
        }
        for (int32_t neuron = 0; there && neuron < input_size(input); neuron++) {
            const int64_t level = samples[number % SNNCC_SAMPLES_AHEAD][place + neuron];

            if (level != 0 && feed(input, neuron, level)) {
                return 1;
            }
        }
        place += input_size(input);
    }
    return 0;
}

static int write_result(const int64_t *values)
{
    for (int32_t i = 0; i < SNNCC_RESULT_VALUES; i++) {
        if (samples_binary) {
            write_word(values[i]);
        } else {
            printf(i + 1 < SNNCC_RESULT_VALUES ? "%" PRId64 " " : "%" PRId64 "\n", values[i]);
        }
    }
    /* A line at a time, for who reads along; binary results are for who wants many. */
    if (!samples_binary) {
        fflush(stdout);
    }
    return ferror(stdout) ? fail("the output cannot be written") : 0;
}

/* Keep the outputs that are read in the step that ran last; write a result when its last output is there. */
static int keep_results(void)
{
    static const int64_t starts[SNNCC_OUTPUTS + 1] = SNNCC_OUTPUT_STARTS;
    int64_t complete = -1;
    int32_t place = 0;

    for (int32_t output = 0; output < SNNCC_OUTPUTS; output++) {
        const int64_t number = turn(net.now - 1, starts[output]);

        for (int32_t element = 0; number >= 0 && element < output_size(output); element++) {
            results[number % SNNCC_RESULTS_AHEAD][place + element] = snncc_output(&net, output, element);
        }
        if (number >= 0 && starts[output] == SNNCC_LATENCY) {
            complete = number;
        }
        place += output_size(output);
    }
    if (complete < 0) {
        return 0;
    }
    switch (has_sample(complete)) {
    case 0:
        return 0;
    case 1:
        return write_result(results[complete % SNNCC_RESULTS_AHEAD]);
    default:
        return 1;
    }
}

/* Whether every sample has gone through; -1 after a message. */
static int samples_done(void)
{
    if (net.now <= SNNCC_LATENCY + (samples_read - 1) * SNNCC_INTERVAL) {
        return 0;
    }
    switch (has_sample(samples_read)) {
    case 0:
        return 1;
    case 1:
        return 0;
    default:
        return -1;
    }
}

static int run_samples(int binary)
{
    if (!SNNCC_BY_SAMPLE) {
        return fail("this network takes events: use --events STEPS");
    }
    samples_binary = binary;
    if (binary) {
        binary_streams();
    }
    snncc_init(&net);
    for (;;) {
        const int done = samples_ended && samples_read == 0 ? 1 : samples_done();

        if (done) {
            return done < 0 ? 1 : written();
        }
        if (feed_samples() || step() || keep_results()) {
            return 1;
        }
    }
}
