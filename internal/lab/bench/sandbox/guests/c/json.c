/* Parses a text of N records, which it makes itself, into a tree of values. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NOTHING, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

struct value {
	enum kind kind;
	double number;       /* a boolean too, and a string's length */
	char *string;
	char *key;           /* in an object */
	struct value *first; /* of an array or object */
	struct value *next;  /* sibling */
};

static const char *at;
static char *arena;
static size_t left;

static void fail(const char *what)
{
	fprintf(stderr, "json: %s\n", what);
	exit(1);
}

static void *allocate(size_t size)
{
	void *p = arena;
	size = (size + 7) & ~(size_t)7;
	if (size > left) {
		left = size > 1 << 20 ? size : 1 << 20;
		p = arena = malloc(left);
		if (!p)
			fail("out of memory");
	}
	arena += size;
	left -= size;
	return p;
}

static void space(void)
{
	while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
		at++;
}

static void expect(const char *text)
{
	size_t n = strlen(text);
	if (strncmp(at, text, n) != 0)
		fail("unexpected text");
	at += n;
}

static char escaped(char c)
{
	switch (c) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	case 'b': return '\b';
	case 'f': return '\f';
	case '"': case '\\': case '/': return c;
	}
	fail("unknown escape");
	return 0;
}

static char *string(double *length)
{
	const char *end;
	char *s, *to;
	expect("\"");
	for (end = at; *end != '"'; end++) {
		if (!*end)
			fail("open string");
		if (*end == '\\')
			end++;
	}
	s = to = allocate((size_t)(end - at) + 1);
	while (at < end) {
		if (*at == '\\') {
			at++;
			*to++ = escaped(*at++);
		} else {
			*to++ = *at++;
		}
	}
	*to = 0;
	at++;
	if (length)
		*length = (double)(to - s);
	return s;
}

static struct value *parse(void);

static struct value *members(char close, int keys)
{
	struct value *first = NULL, **last = &first;
	at++;
	space();
	if (*at == close) {
		at++;
		return NULL;
	}
	for (;;) {
		char *key = NULL;
		space();
		if (keys) {
			key = string(NULL);
			space();
			expect(":");
		}
		*last = parse();
		(*last)->key = key;
		last = &(*last)->next;
		space();
		if (*at == close) {
			at++;
			return first;
		}
		expect(",");
	}
}

static void number(struct value *v)
{
	char *end;
	v->number = strtod(at, &end);
	if (end == at)
		fail("not a value");
	at = end;
}

static struct value *parse(void)
{
	struct value *v = allocate(sizeof *v);
	memset(v, 0, sizeof *v);
	space();
	switch (*at) {
	case '{': v->kind = OBJECT; v->first = members('}', 1); break;
	case '[': v->kind = ARRAY; v->first = members(']', 0); break;
	case '"': v->kind = STRING; v->string = string(&v->number); break;
	case 't': v->kind = BOOLEAN; v->number = 1; expect("true"); break;
	case 'f': v->kind = BOOLEAN; expect("false"); break;
	case 'n': expect("null"); break;
	default: v->kind = NUMBER; number(v);
	}
	return v;
}

static char *text(int n)
{
	char *out = malloc((size_t)n * 180 + 64), *p = out;
	uint32_t state = 1;
	if (!out)
		fail("out of memory");
	*p++ = '[';
	for (int i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		unsigned s = state >> 8;
		p += sprintf(p, "{\"id\": %d, \"name\": \"worker \\\"%u\\\"\\n\", \"active\": %s, \"tags\": [\"a%u\", \"bb\", \"\"], "
			"\"point\": [%u.25, -%u.5e1], \"owner\": ",
			i, s, s % 2 ? "false" : "true", s % 100, s % 1000, s % 77);
		if (s % 3 == 0)
			p += sprintf(p, "null}, ");
		else
			p += sprintf(p, "{\"level\": %u}}, ", s % 10);
	}
	strcpy(p, "{\"id\": 0}]");
	return out;
}

static struct value *get(struct value *object, const char *key)
{
	static struct value nothing;
	for (struct value *v = object->first; v; v = v->next)
		if (strcmp(v->key, key) == 0)
			return v;
	return &nothing;
}

static double sum(struct value *array)
{
	double total = 0;
	for (struct value *v = array->first; v; v = v->next)
		total += v->number;
	return total;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 120000;
	double ids = 0, chars = 0, active = 0, points = 0, levels = 0;
	at = text(n);
	for (struct value *v = parse()->first; v; v = v->next) {
		ids += get(v, "id")->number;
		chars += get(v, "name")->number + sum(get(v, "tags"));
		active += get(v, "active")->number;
		points += sum(get(v, "point"));
		levels += get(get(v, "owner"), "level")->number;
	}
	printf("json %d ids %.0f chars %.0f active %.0f points %.2f levels %.0f\n", n, ids, chars, active, points, levels);
	return 0;
}
