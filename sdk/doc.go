// Package sdk submits jobs to an Anthill grid, follows them and reads their
// results. It is what the anthill command uses for all that a client of a grid
// does; running nodes and grids is not part of it.
//
//	grid, err := sdk.Connect(ctx, sdk.Config{})
//	...
//	defer grid.Close()
//	file, err := sdk.LoadJobFile("wordcount.yaml")
//	...
//	job, err := grid.Submit(ctx, file)
//	...
//	defer job.Close()
//	for result, err := range grid.Results(ctx, job.ID()) {
//		...
//	}
//
// A job is finished when the expected share of wrong results is at most the
// max_error that its file asks for; what is accepted before is provisional.
//
// Errors say what went wrong and are of one of the kinds ErrInvalid,
// ErrNotFound, ErrUnavailable and ErrRefused where that matters; NextStep says
// what to do about one. Sizes are in bytes.
//
// Guests, the programs that run in the grid, use package sdk/task.
package sdk
