// Package anthillv1 is what the nodes of a grid say to each other: services for
// submitters (jobs, nodes), workers (work), newcomers (enrolment), peers
// (pieces) and coordinators. The comments in the .proto files are the contract;
// `make proto` generates the rest of this package from them.
package anthillv1
