static int print_size(void)
{
    printf("flash_bytes %lu\nram_bytes %lu\n", (unsigned long)snncc_flash_bytes(), (unsigned long)sizeof net);
    return written();
}

static int usage(void)
{
    fputs("usage: snncc_net [--binary]                      samples on stdin, results on stdout\n"
          "       snncc_net --events STEPS                  events on stdin, spikes and outputs on stdout\n"
          "       snncc_net --selftest [GOLDEN [WEIGHTS]]   compare with golden.txt and weights.txt\n"
          "       snncc_net --trace | --size\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    if (argc == 1) {
        return run_samples(0);
    }
    if (argc == 2 && strcmp(mode, "--binary") == 0) {
        return run_samples(1);
    }
    if (argc == 3 && strcmp(mode, "--events") == 0) {
        return run_events(argv[2]);
    }
    if (argc <= 4 && strcmp(mode, "--selftest") == 0) {
        return run_selftest(argc > 2 ? argv[2] : "golden.txt", argc > 3 ? argv[3] : "weights.txt");
    }
    if (argc == 2 && strcmp(mode, "--trace") == 0) {
        return run_trace();
    }
    if (argc == 2 && strcmp(mode, "--size") == 0) {
        return print_size();
    }
    return usage();
}
