// Command noop does nothing: what it takes is what a task costs.
package main

func main() {}
