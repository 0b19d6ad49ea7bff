/* Events as text: "step input neuron value", in the order of their steps; every spike and output as a line. */

/* 1 and an event of one of the steps that are run; 0 at the end of the input; -1 after a message. */
static int read_event(int64_t event[4], int64_t steps)
{
    char token[TOKEN];

    for (int32_t i = 0; i < 4; i++) {
        const int found = read_token(stdin, token);

        if (found == 0 && i == 0) {
            return 0;
        }
        if (found <= 0 || !parse(token, &event[i])) {
            fail(found == 0 ? "the last event has less than four numbers" : "'%.40s' is no integer", token);
            return -1;
        }
    }
    if (event[0] < 0 || event[0] >= steps) {
        fail("an event of step %" PRId64 ", which is not run: STEPS is %" PRId64, event[0], steps);
        return -1;
    }
    return 1;
}

/* Feed the events of the step that runs next; 1 if one is kept for later, 0 at the end, -1 after a message. */
static int feed_events(int kept, int64_t event[4], int64_t steps)
{
    while (kept > 0 && event[0] == net.now) {
        if (feed(event[1], event[2], event[3])) {
            return -1;
        }
        kept = read_event(event, steps);
    }
    if (kept > 0 && event[0] < net.now) {
        fail("an event of step %" PRId64 " comes after those of step %" PRId64, event[0], net.now - 1);
        return -1;
    }
    return kept;
}

static void print_step(void)
{
    const int64_t now = net.now - 1;

    for (int32_t population = 0; population < SNNCC_POPULATIONS; population++) {
        const int32_t count = snncc_spike_count(&net, population);

        for (int32_t k = 0; k < count; k++) {
            printf("s %" PRId64 " %" PRId32 " %" PRId32 " %" PRId64 "\n", now, population,
                   snncc_spike_neuron(&net, population, k), snncc_spike_payload(&net, population, k));
        }
    }
    for (int32_t output = 0; output < SNNCC_OUTPUTS; output++) {
        if (!snncc_output_ready(&net, output)) {
            continue;
        }
        printf("o %" PRId64 " %" PRId32, now, output);
        for (int32_t element = 0; element < output_size(output); element++) {
            printf(" %" PRId64, snncc_output(&net, output, element));
        }
        putchar('\n');
    }
    fflush(stdout);
}

static int run_events(const char *count)
{
    int64_t event[4] = {0};
    int64_t steps = 0;
    int kept;

    if (!parse(count, &steps) || steps < 0) {
        return fail("'%.40s' is no number of steps", count);
    }
    snncc_init(&net);
    kept = read_event(event, steps);
    while (kept >= 0 && net.now < steps) {
        kept = feed_events(kept, event, steps);
        if (kept < 0 || step()) {
            return 1;
        }
        print_step();
    }
    return kept < 0 ? 1 : written();
}
