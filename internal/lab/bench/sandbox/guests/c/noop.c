/* Does nothing: what it takes is what a task costs. */
int main(void) { return 0; }
