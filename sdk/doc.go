// Package sdk submits jobs to an Anthill grid, follows them and reads their
// results. The anthill command is built on it alone.
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
// what to do about one.
//
// Guests, the programs that run in the grid, use package sdk/task.
package sdk
