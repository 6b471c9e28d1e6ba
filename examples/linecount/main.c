/* A task in C: counts the lines, words and bytes of its shard, as wc does. What
 * counts as space is written out, so that no locale has a say. */
#include <stdint.h>
#include <stdio.h>

int main(void)
{
	static unsigned char buffer[64 * 1024];
	uint64_t lines = 0, words = 0, bytes = 0;
	int inside = 0; /* a word */
	size_t n;

	while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
		bytes += n;
		for (size_t i = 0; i < n; i++) {
			unsigned char c = buffer[i];
			int space = c == ' ' || (c >= '\t' && c <= '\r');
			lines += c == '\n';
			words += !space && !inside;
			inside = !space;
		}
	}
	if (ferror(stdin)) {
		perror("read shard");
		return 1;
	}
	printf("%llu %llu %llu\n", (unsigned long long)lines, (unsigned long long)words, (unsigned long long)bytes);
	return fflush(stdout) ? 1 : 0;
}
