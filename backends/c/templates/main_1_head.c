/*
 * The host: feeds the network from standard input and prints what it does; README.md describes the modes.
 * Emitted by snncc. Needs a C99 library; the network itself, snncc_net.c, does not need this file.
 */
#include "snncc_net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

enum { TOKEN = 512 }; /* longest token of a text file, with its end */

/* Tables are one element longer than they are, for C has none without elements. */
static const int32_t population_sizes[SNNCC_POPULATIONS + 1] = SNNCC_POPULATION_SIZES;
static const int32_t input_populations[SNNCC_INPUTS + 1] = SNNCC_INPUT_POPULATIONS;
static const int64_t input_starts[SNNCC_INPUTS + 1] = SNNCC_INPUT_STARTS;
static const int64_t input_least[SNNCC_INPUTS + 1] = SNNCC_INPUT_LEAST;
static const int64_t input_most[SNNCC_INPUTS + 1] = SNNCC_INPUT_MOST;
static const int32_t output_populations[SNNCC_OUTPUTS + 1] = SNNCC_OUTPUT_POPULATIONS;
static const int32_t output_sizes[SNNCC_OUTPUTS + 1] = SNNCC_OUTPUT_SIZES;
static const int32_t membrane_bytes[SNNCC_POPULATIONS + 1] = SNNCC_MEMBRANE_BYTES;

static snncc_net net;

/* Print a message on stderr; gives 1, the exit status. */
static int fail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("snncc: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static int32_t input_size(int32_t input)
{
    return population_sizes[input_populations[input]];
}

static int32_t output_size(int32_t output)
{
    return output_sizes[output];
}

/* Run a step; 0, or 1 after a message if a value left its width. */
static int step(void)
{
    const int64_t now = net.now;
    const int32_t failed = snncc_step(&net);

    if (failed) {
        return fail("step %" PRId64 ": a state or payload of population %" PRId32 " left its declared width", now,
                    failed - 1);
    }
    return 0;
}

/* Feed a value; 0, or 1 after a message if it is refused. */
static int feed(int64_t input, int64_t neuron, int64_t value)
{
    const int known = input >= 0 && input < SNNCC_INPUTS && neuron >= 0 && neuron < INT32_MAX;

    if (known && snncc_input(&net, (int32_t)input, (int32_t)neuron, value) == 0) {
        return 0;
    }
    return fail("step %" PRId64 ": input %" PRId64 " does not take value %" PRId64 " for neuron %" PRId64, net.now,
                input, value, neuron);
}

/*
 * Read what stands between blanks; 1, or 0 at the end of the file, or -1 if it is longer than TOKEN allows. Anything
 * but printable ASCII becomes '?': a zero byte must not end a token, nor a message write on a terminal what it likes.
 */
static int read_token(FILE *file, char *token)
{
    int length = 0;
    int c = getc(file);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        c = getc(file);
    }
    while (c != EOF && c != ' ' && c != '\t' && c != '\n' && c != '\r') {
        if (length == TOKEN - 1) {
            token[length] = '\0';
            return -1;
        }
        token[length++] = (char)(c > ' ' && c <= '~' ? c : '?');
        c = getc(file);
    }
    token[length] = '\0';
    return length > 0;
}

/* Whether a token is a decimal integer of 64 bits, and which. */
static int parse(const char *token, int64_t *value)
{
    const char *digits = token + (*token == '-');
    char *end = NULL;

    if (*digits < '0' || *digits > '9') {
        return 0;
    }
    errno = 0;
    *value = strtoll(token, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Integers of 8 or 4 bytes, little-endian, two's complement, on every machine. */
static void put(uint8_t *bytes, uint64_t value, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static int write_word(int64_t value)
{
    uint8_t bytes[8];

    put(bytes, (uint64_t)value, 8);
    return fwrite(bytes, 1, 8, stdout) == 8;
}

/* 1 and a value; 0 at the end of the file; -1 if it ends within a value. */
static int read_word(int64_t *value)
{
    uint8_t bytes[8];
    uint64_t word = 0;
    const size_t count = fread(bytes, 1, 8, stdin);

    if (count != 8) {
        return count == 0 ? 0 : -1;
    }
    for (int32_t i = 7; i >= 0; i--) {
        word = word << 8 | bytes[i];
    }
    *value = word <= INT64_MAX ? (int64_t)word : -(int64_t)(UINT64_MAX - word) - 1;
    return 1;
}

static void binary_streams(void)
{
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
}

/* The exit status after everything has been written. */
static int written(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : fail("the output cannot be written");
}
