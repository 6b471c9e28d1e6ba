package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// RoleToProto and RoleFromProto rely on jobs.Role having the order of the
// wire's enum.
func RoleToProto(r jobs.Role) anthillv1.Role { return anthillv1.Role(r) }

// RoleFromProto takes a number that it does not know for a stranger's.
func RoleFromProto(m anthillv1.Role) jobs.Role {
	if !known(anthillv1.Role_name, m) {
		return jobs.Stranger
	}
	return jobs.Role(m)
}

// known says whether an enum has a number. The domain's enums are narrower than
// the wire's, so that another number could pass for one of theirs.
func known[E ~int32](names map[int32]string, m E) bool {
	_, ok := names[int32(m)]
	return ok
}
