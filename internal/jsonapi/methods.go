package jsonapi

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// machines are the services by which nodes talk to each other: they are no API for
// programs of people's, and their calls make no sense without a node behind them.
var machines = []protoreflect.Name{
	"PieceService", "TrackerService", "WorkService", "CoordinatorService", "SessionService",
}

// join is the one call that is for those who have no identity yet.
const join = "/anthill.v1.EnrolmentService/Enrol"

// files are all that describe the API.
func files() (list []protoreflect.FileDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage(anthillv1.File_anthill_v1_job_proto.Package(), func(f protoreflect.FileDescriptor) bool {
		list = append(list, f)
		return true
	})
	return list
}

// methods are the calls of the API by their path, such as /anthill.v1.JobService/GetJob.
var methods = func() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	for _, file := range files() {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if slices.Contains(machines, service.Name()) {
				continue
			}
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				if path := pathOf(m); path != join && !m.IsStreamingClient() {
					all[path] = m
				}
			}
		}
	}
	return all
}()

func pathOf(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}
