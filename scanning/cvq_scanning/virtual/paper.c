/* A SANE backend without hardware: a scanner with a glass and a feeder whose papers are image files, which takes its
 * time, and which somebody can jam, open or unplug while it runs.
 *
 * Everything lies in the folder `paper` of SANE_CONFIG_DIR: `glass.pnm`, the feeder's sheets `feeder/NNN.pnm` in the
 * order of their names (binary PGM or PPM, 8 bits, drawn at 300 dpi), and `control`, which is read again at every
 * call. Each line of `control` is a word and a value:
 *
 *   trouble  jammed | no_docs | cover_open | io_error | busy | eof | pause | hang | crash | none
 *            (`pause` stands still until `control` changes or the scan is cancelled, `hang` for ever)
 *   page     the sheet at which the trouble comes, counted from 1 (0 or none: at every one)
 *   row      the row of the 300 dpi sheet at which it comes
 *   delay    microseconds that one row takes
 *
 * The feeder is full again at every job. Used by the demonstration and the tests; a booth's real scanner has its own
 * backend, and the code that scans knows of none.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sane/sane.h>
#include <sane/saneopts.h>

#define SHEET_DPI 300
#define SHEETS_MAX 500
#define SIDE_MAX 20000
#define PATH_BYTES 4096

enum { OPT_COUNT, OPT_SOURCE, OPT_MODE, OPT_RESOLUTION, OPT_RETURN, OPT_COVER, OPTIONS };

static const SANE_String_Const sources[] = {"Flatbed", "Automatic Document Feeder", NULL};
static const SANE_String_Const modes[] = {"Color", "Gray", NULL};
static const SANE_Word resolutions[] = {5, 75, 100, 150, 200, 300};
/* The words of SANE's own `test` backend, so that one override file serves both. */
static const SANE_String_Const returns[] = {
    "Default", "SANE_STATUS_DEVICE_BUSY", "SANE_STATUS_EOF", "SANE_STATUS_JAMMED",
    "SANE_STATUS_NO_DOCS", "SANE_STATUS_COVER_OPEN", "SANE_STATUS_IO_ERROR", NULL};
static const SANE_Status statuses[] = {
    SANE_STATUS_GOOD, SANE_STATUS_DEVICE_BUSY, SANE_STATUS_EOF, SANE_STATUS_JAMMED,
    SANE_STATUS_NO_DOCS, SANE_STATUS_COVER_OPEN, SANE_STATUS_IO_ERROR};

struct control {
    char trouble[32];
    long page, row, delay_us;
};

struct scanner {
    SANE_Option_Descriptor options[OPTIONS];
    int source, mode, forced; /* indices into the lists above */
    int resolution;
    int sheet;         /* sheets taken since the last cancel */
    volatile int cancelled;
    int scanning;
    unsigned char *image; /* the sheet, 3 bytes a pixel */
    int image_width, image_height;
    SANE_Parameters parameters;
    long row;              /* rows already delivered */
    struct timespec began; /* when the page began to move */
};

static struct scanner the_scanner;
static int opened;

static void path_of(char *path, const char *name) {
    const char *directory = getenv("SANE_CONFIG_DIR");
    snprintf(path, PATH_BYTES, "%s/paper/%s", directory ? directory : ".", name);
}

static struct control read_control(void) {
    struct control control = {"none", 0, 0, 0};
    char path[PATH_BYTES], line[128], key[32], value[32];
    path_of(path, "control");
    FILE *file = fopen(path, "r");
    if (!file)
        return control;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%31s %31s", key, value) != 2)
            continue;
        if (!strcmp(key, "trouble"))
            strcpy(control.trouble, value);
        else if (!strcmp(key, "page"))
            control.page = atol(value);
        else if (!strcmp(key, "row"))
            control.row = atol(value);
        else if (!strcmp(key, "delay"))
            control.delay_us = atol(value);
    }
    fclose(file);
    return control;
}

static SANE_Status status_named(const char *trouble) {
    if (!strcmp(trouble, "jammed"))
        return SANE_STATUS_JAMMED;
    if (!strcmp(trouble, "no_docs"))
        return SANE_STATUS_NO_DOCS;
    if (!strcmp(trouble, "cover_open"))
        return SANE_STATUS_COVER_OPEN;
    if (!strcmp(trouble, "io_error"))
        return SANE_STATUS_IO_ERROR;
    if (!strcmp(trouble, "busy"))
        return SANE_STATUS_DEVICE_BUSY;
    if (!strcmp(trouble, "eof"))
        return SANE_STATUS_EOF;
    return SANE_STATUS_GOOD;
}

static int due(const struct scanner *scanner, const struct control *control, long row) {
    return (!control->page || control->page == scanner->sheet) && row >= control->row;
}

static int paused_now(const struct scanner *scanner, const struct control *control, long row) {
    return due(scanner, control, row) && !strcmp(control->trouble, "pause");
}

/* The trouble that `control` asks for at this sheet and row; hangs or crashes itself where it asks for that. */
static SANE_Status trouble_now(struct scanner *scanner, const struct control *control, long row) {
    if (!due(scanner, control, row))
        return SANE_STATUS_GOOD;
    if (!strcmp(control->trouble, "crash"))
        abort();
    while (!strcmp(control->trouble, "hang"))
        sleep(1); /* and does not even listen to a cancel, as some real ones do not */
    return status_named(control->trouble);
}

static int by_name(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The path of the feeder's sheet number `number`, counted from 1; 0 where there are fewer. */
static int feeder_sheet(char *path, int number) {
    char directory[PATH_BYTES - 300];
    char full[PATH_BYTES];
    char *names[SHEETS_MAX];
    int count = 0, found = 0;
    path_of(full, "feeder");
    if (strlen(full) >= sizeof directory)
        return 0;
    strcpy(directory, full);
    DIR *folder = opendir(directory);
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) && count < SHEETS_MAX;) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && length > 4 && !strcmp(entry->d_name + length - 4, ".pnm"))
            names[count++] = strdup(entry->d_name);
    }
    closedir(folder);
    qsort(names, count, sizeof *names, by_name);
    if (number <= count) {
        snprintf(path, PATH_BYTES, "%s/%s", directory, names[number - 1]);
        found = 1;
    }
    while (count)
        free(names[--count]);
    return found;
}

/* The next number of a PNM head, after blanks and comments; -1 where there is none. */
static int head_number(FILE *file) {
    int c = fgetc(file), number = -1;
    while (c == '#' || c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        c = fgetc(file);
    }
    while (c >= '0' && c <= '9' && number < SIDE_MAX) {
        number = (number < 0 ? 0 : number) * 10 + (c - '0');
        c = fgetc(file);
    }
    return number;
}

static int load_sheet(struct scanner *scanner, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    int magic = fgetc(file) == 'P' ? fgetc(file) : 0;
    int width = head_number(file), height = head_number(file), depth = head_number(file);
    int samples = magic == '6' ? 3 : 1;
    size_t pixels = (size_t)(width > 0 ? width : 0) * (height > 0 ? height : 0);
    unsigned char *raw = NULL;
    if ((magic == '5' || magic == '6') && pixels && width <= SIDE_MAX && height <= SIDE_MAX && depth == 255)
        raw = malloc(pixels * 3);
    int whole = raw && fread(raw, samples, pixels, file) == pixels;
    fclose(file);
    if (!whole) {
        free(raw);
        return 0;
    }
    if (samples == 1) /* from the last pixel on, so that grey ones spread in their own place */
        for (size_t i = pixels; i--;)
            raw[3 * i] = raw[3 * i + 1] = raw[3 * i + 2] = raw[i];
    free(scanner->image);
    scanner->image = raw;
    scanner->image_width = width;
    scanner->image_height = height;
    return 1;
}

/* One row at the scan's resolution: each pixel the mean of those that it covers. */
static void draw_row(const struct scanner *scanner, long row, unsigned char *out) {
    int color = scanner->parameters.format == SANE_FRAME_RGB;
    long width = scanner->parameters.pixels_per_line, height = scanner->parameters.lines;
    long top = row * scanner->image_height / height, bottom = (row + 1) * scanner->image_height / height;
    for (long x = 0; x < width; x++) {
        long left = x * scanner->image_width / width, right = (x + 1) * scanner->image_width / width;
        long sums[3] = {0, 0, 0}, count = (bottom - top) * (right - left);
        for (long y = top; y < bottom; y++)
            for (long c = left; c < right; c++)
                for (int s = 0; s < 3; s++)
                    sums[s] += scanner->image[3 * (y * scanner->image_width + c) + s];
        for (int s = 0; s < 3; s++)
            sums[s] /= count;
        if (color) {
            for (int s = 0; s < 3; s++)
                *out++ = sums[s];
        } else
            *out++ = (299 * sums[0] + 587 * sums[1] + 114 * sums[2] + 500) / 1000;
    }
}

static long elapsed_us(const struct scanner *scanner) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - scanner->began.tv_sec) * 1000000L + (now.tv_nsec - scanner->began.tv_nsec) / 1000;
}

static void describe(SANE_Option_Descriptor *option, const char *name, const char *title, SANE_Value_Type type) {
    option->name = name;
    option->title = option->desc = title;
    option->type = type;
    option->size = type == SANE_TYPE_STRING ? 64 : sizeof(SANE_Word);
    option->cap = SANE_CAP_SOFT_SELECT | SANE_CAP_SOFT_DETECT;
}

static void describe_options(struct scanner *scanner) {
    SANE_Option_Descriptor *options = scanner->options;
    describe(&options[OPT_COUNT], "", "Number of options", SANE_TYPE_INT);
    options[OPT_COUNT].cap = SANE_CAP_SOFT_DETECT;
    describe(&options[OPT_SOURCE], SANE_NAME_SCAN_SOURCE, "Source", SANE_TYPE_STRING);
    options[OPT_SOURCE].constraint_type = SANE_CONSTRAINT_STRING_LIST;
    options[OPT_SOURCE].constraint.string_list = sources;
    describe(&options[OPT_MODE], SANE_NAME_SCAN_MODE, "Mode", SANE_TYPE_STRING);
    options[OPT_MODE].constraint_type = SANE_CONSTRAINT_STRING_LIST;
    options[OPT_MODE].constraint.string_list = modes;
    describe(&options[OPT_RESOLUTION], SANE_NAME_SCAN_RESOLUTION, "Resolution", SANE_TYPE_INT);
    options[OPT_RESOLUTION].unit = SANE_UNIT_DPI;
    options[OPT_RESOLUTION].constraint_type = SANE_CONSTRAINT_WORD_LIST;
    options[OPT_RESOLUTION].constraint.word_list = resolutions;
    describe(&options[OPT_RETURN], "read-return-value", "Status of the next read", SANE_TYPE_STRING);
    options[OPT_RETURN].constraint_type = SANE_CONSTRAINT_STRING_LIST;
    options[OPT_RETURN].constraint.string_list = returns;
    describe(&options[OPT_COVER], "cover-open", "Whether the cover is open", SANE_TYPE_BOOL);
    options[OPT_COVER].cap = SANE_CAP_SOFT_DETECT | SANE_CAP_HARD_SELECT;
}

SANE_Status sane_paper_init(SANE_Int *version, SANE_Auth_Callback authorise) {
    (void)authorise;
    if (version)
        *version = SANE_VERSION_CODE(1, 0, 1);
    return SANE_STATUS_GOOD;
}

void sane_paper_exit(void) {}

SANE_Status sane_paper_get_devices(const SANE_Device ***devices, SANE_Bool local_only) {
    static const SANE_Device device = {"desk", "CVQ", "Virtual paper scanner", "virtual device"};
    static const SANE_Device *list[] = {&device, NULL};
    (void)local_only;
    *devices = list;
    return SANE_STATUS_GOOD;
}

SANE_Status sane_paper_open(SANE_String_Const name, SANE_Handle *handle) {
    if (*name && strcmp(name, "desk"))
        return SANE_STATUS_INVAL;
    if (opened)
        return SANE_STATUS_DEVICE_BUSY;
    memset(&the_scanner, 0, sizeof the_scanner);
    the_scanner.resolution = SHEET_DPI;
    describe_options(&the_scanner);
    opened = 1;
    *handle = &the_scanner;
    return SANE_STATUS_GOOD;
}

void sane_paper_close(SANE_Handle handle) {
    struct scanner *scanner = handle;
    free(scanner->image);
    scanner->image = NULL;
    opened = 0;
}

const SANE_Option_Descriptor *sane_paper_get_option_descriptor(SANE_Handle handle, SANE_Int index) {
    struct scanner *scanner = handle;
    return index >= 0 && index < OPTIONS ? &scanner->options[index] : NULL;
}

static int position(const SANE_String_Const *list, const char *value) {
    for (int i = 0; list[i]; i++)
        if (!strcmp(list[i], value))
            return i;
    return -1;
}

static SANE_Status get_option(const struct scanner *scanner, SANE_Int index, void *value) {
    switch (index) {
    case OPT_COUNT:
        *(SANE_Word *)value = OPTIONS;
        return SANE_STATUS_GOOD;
    case OPT_SOURCE:
        strcpy(value, sources[scanner->source]);
        return SANE_STATUS_GOOD;
    case OPT_MODE:
        strcpy(value, modes[scanner->mode]);
        return SANE_STATUS_GOOD;
    case OPT_RESOLUTION:
        *(SANE_Word *)value = scanner->resolution;
        return SANE_STATUS_GOOD;
    case OPT_RETURN:
        strcpy(value, returns[scanner->forced]);
        return SANE_STATUS_GOOD;
    case OPT_COVER: {
        struct control control = read_control();
        *(SANE_Word *)value = !strcmp(control.trouble, "cover_open") || scanner->forced == 5;
        return SANE_STATUS_GOOD;
    }
    }
    return SANE_STATUS_INVAL;
}

static SANE_Status set_option(struct scanner *scanner, SANE_Int index, const void *value) {
    int *chosen = index == OPT_SOURCE ? &scanner->source : index == OPT_MODE ? &scanner->mode : &scanner->forced;
    const SANE_String_Const *list = index == OPT_SOURCE ? sources : index == OPT_MODE ? modes : returns;
    if (index == OPT_RESOLUTION) {
        for (int i = 1; i <= resolutions[0]; i++)
            if (resolutions[i] == *(const SANE_Word *)value) {
                scanner->resolution = resolutions[i];
                return SANE_STATUS_GOOD;
            }
        return SANE_STATUS_INVAL;
    }
    if (index != OPT_SOURCE && index != OPT_MODE && index != OPT_RETURN)
        return SANE_STATUS_INVAL;
    int found = position(list, value);
    if (found < 0)
        return SANE_STATUS_INVAL;
    *chosen = found;
    return SANE_STATUS_GOOD;
}

SANE_Status sane_paper_control_option(SANE_Handle handle, SANE_Int index, SANE_Action action, void *value,
                                      SANE_Int *info) {
    if (info)
        *info = 0;
    if (action == SANE_ACTION_GET_VALUE)
        return get_option(handle, index, value);
    if (action == SANE_ACTION_SET_VALUE)
        return set_option(handle, index, value);
    return SANE_STATUS_UNSUPPORTED;
}

SANE_Status sane_paper_get_parameters(SANE_Handle handle, SANE_Parameters *parameters) {
    struct scanner *scanner = handle;
    *parameters = scanner->parameters;
    return SANE_STATUS_GOOD;
}

SANE_Status sane_paper_start(SANE_Handle handle) {
    struct scanner *scanner = handle;
    char path[PATH_BYTES];
    scanner->cancelled = 0;
    scanner->sheet++;
    struct control control = read_control();
    if (scanner->source == 0)
        path_of(path, "glass.pnm");
    else if (!feeder_sheet(path, scanner->sheet))
        return SANE_STATUS_NO_DOCS;
    if (control.row == 0) {
        SANE_Status trouble = trouble_now(scanner, &control, 0);
        if (trouble != SANE_STATUS_GOOD && trouble != SANE_STATUS_EOF)
            return trouble;
    }
    if (!load_sheet(scanner, path))
        return SANE_STATUS_IO_ERROR;
    int color = scanner->mode == 0;
    SANE_Parameters *parameters = &scanner->parameters;
    parameters->format = color ? SANE_FRAME_RGB : SANE_FRAME_GRAY;
    parameters->last_frame = SANE_TRUE;
    parameters->depth = 8;
    parameters->pixels_per_line = scanner->image_width * scanner->resolution / SHEET_DPI;
    parameters->lines = scanner->image_height * scanner->resolution / SHEET_DPI;
    if (parameters->pixels_per_line < 1 || parameters->lines < 1)
        return SANE_STATUS_IO_ERROR;
    parameters->bytes_per_line = parameters->pixels_per_line * (color ? 3 : 1);
    scanner->row = 0;
    scanner->scanning = 1;
    clock_gettime(CLOCK_MONOTONIC, &scanner->began);
    return SANE_STATUS_GOOD;
}

SANE_Status sane_paper_read(SANE_Handle handle, SANE_Byte *buffer, SANE_Int length_max, SANE_Int *length) {
    struct scanner *scanner = handle;
    const SANE_Parameters *parameters = &scanner->parameters;
    *length = 0;
    if (!scanner->scanning)
        return SANE_STATUS_CANCELLED;
    if (scanner->row >= parameters->lines)
        return SANE_STATUS_EOF;
    if (scanner->forced)
        return statuses[scanner->forced];
    for (;;) {
        struct control control = read_control();
        long at_300_dpi = scanner->row * SHEET_DPI / scanner->resolution;
        SANE_Status trouble = trouble_now(scanner, &control, at_300_dpi);
        if (scanner->cancelled)
            return SANE_STATUS_CANCELLED;
        if (trouble != SANE_STATUS_GOOD)
            return trouble;
        if (paused_now(scanner, &control, at_300_dpi)) {
            usleep(2000);
            continue;
        }
        long ripe = control.delay_us > 0 ? elapsed_us(scanner) / control.delay_us : parameters->lines;
        if (ripe > parameters->lines)
            ripe = parameters->lines;
        if (ripe > scanner->row) {
            long count = length_max / parameters->bytes_per_line;
            if (count < 1)
                return SANE_STATUS_NO_MEM;
            if (count > ripe - scanner->row)
                count = ripe - scanner->row;
            for (long i = 0; i < count; i++)
                draw_row(scanner, scanner->row + i, buffer + i * parameters->bytes_per_line);
            scanner->row += count;
            *length = count * parameters->bytes_per_line;
            return SANE_STATUS_GOOD;
        }
        usleep(2000);
    }
}

void sane_paper_cancel(SANE_Handle handle) {
    struct scanner *scanner = handle;
    scanner->cancelled = 1;
    scanner->scanning = 0;
    scanner->sheet = 0;
}

SANE_Status sane_paper_set_io_mode(SANE_Handle handle, SANE_Bool non_blocking) {
    (void)handle;
    return non_blocking ? SANE_STATUS_UNSUPPORTED : SANE_STATUS_GOOD;
}

SANE_Status sane_paper_get_select_fd(SANE_Handle handle, SANE_Int *fd) {
    (void)handle;
    (void)fd;
    return SANE_STATUS_UNSUPPORTED;
}
