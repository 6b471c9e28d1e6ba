// Package jsonapi is the grid's API as JSON over HTTP: POST /anthill.v1.JobService/GetJob
// with the request as JSON, and the answer comes as JSON. It reads what there is to call
// from the descriptors of package anthillv1, so there is no second contract; and it writes
// messages as `anthill ... -o json` does, by the same function.
package jsonapi
