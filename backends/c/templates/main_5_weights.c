/* Self-test, first half: the arrays compiled in have the checksums of weights.txt. */

typedef struct {
    FILE *file;
    const char *name;
    char token[TOKEN]; /* read last */
} reader;

static int damaged(const reader *from, const char *wanted)
{
    printf("FAIL %s is damaged: '%.40s' stands where %s should\n", from->name, from->token, wanted);
    return 1;
}

/* Read a given word; 0, or 1 after a message. */
static int want(reader *from, const char *word)
{
    return read_token(from->file, from->token) <= 0 || strcmp(from->token, word) != 0 ? damaged(from, word) : 0;
}

/* Read any token; 0, or 1 after a message. */
static int text(reader *from, char *token)
{
    if (read_token(from->file, from->token) <= 0) {
        return damaged(from, "a name");
    }
    strcpy(token, from->token);
    return 0;
}

/* Read an integer least..most; 0, or 1 after a message. */
static int number(reader *from, int64_t *value, int64_t least, int64_t most)
{
    const int found = read_token(from->file, from->token);

    return found <= 0 || !parse(from->token, value) || *value < least || *value > most
               ? damaged(from, "a number in range")
               : 0;
}

/* Read a number that must be the one compiled in; 0, or 1 after a message. */
static int same(reader *from, int64_t wanted)
{
    int64_t value = 0;

    return number(from, &value, wanted, wanted);
}

static int checksum(reader *from, uint64_t *sum)
{
    char *end = NULL;

    if (read_token(from->file, from->token) <= 0 || from->token[0] < '0' || from->token[0] > '9') {
        return damaged(from, "a checksum");
    }
    errno = 0;
    *sum = strtoull(from->token, &end, 10);
    return errno != 0 || *end != '\0' ? damaged(from, "a checksum") : 0;
}

static int open_reader(reader *from, const char *path)
{
    memset(from, 0, sizeof *from);
    from->name = path;
    from->file = fopen(path, "rb");
    if (from->file == NULL) {
        printf("FAIL %s cannot be opened\n", path);
        return 1;
    }
    return 0;
}

/* Compare one array with its line in weights.txt; -1 if the line is damaged, 1 if the array differs. */
static int check_array(reader *from, int32_t array)
{
    char symbol[TOKEN], name[TOKEN], layer[TOKEN];
    int64_t count = 0;
    uint64_t sum = 0;

    if (want(from, "array") || same(from, array) || text(from, symbol) || number(from, &count, 1, INT64_MAX) ||
        checksum(from, &sum) || text(from, name) || text(from, layer)) {
        return -1;
    }
    if (snncc_array_checksum(array) == sum) {
        return 0;
    }
    printf("FAIL array %s of '%s', layer %s, is not as it was emitted\n", symbol, name, layer);
    return 1;
}

static int check_weights(const char *path)
{
    reader from;
    int differ = 0;

    if (open_reader(&from, path)) {
        return 1;
    }
    if (want(&from, "snncc-weights") || same(&from, 1) || want(&from, "arrays") || same(&from, SNNCC_ARRAYS)) {
        fclose(from.file);
        return 1;
    }
    for (int32_t array = 0; array < SNNCC_ARRAYS; array++) {
        const int found = check_array(&from, array);

        differ |= found != 0;
        if (found < 0) {
            break;
        }
    }
    fclose(from.file);
    return differ;
}
