package wire

import (
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// RefToProto names a blob and its size.
func RefToProto(r blob.Ref) *anthillv1.BlobRef {
	return &anthillv1.BlobRef{Id: r.ID[:], Size: r.Size}
}

// RefFromProto reads a reference that stands in a field; the zero Ref if there
// is none.
func RefFromProto(field string, m *anthillv1.BlobRef) (blob.Ref, error) {
	if m == nil {
		return blob.Ref{}, nil
	}
	id, err := IDFromProto(field, m.GetId())
	if err != nil {
		return blob.Ref{}, err
	}
	if m.GetSize() < 0 || m.GetSize() > blob.MaxSize {
		return blob.Ref{}, jobs.InvalidField(field, "a blob cannot have %d bytes", m.GetSize())
	}
	return blob.Ref{ID: id, Size: m.GetSize()}, nil
}

// RefsToProto names blobs and their sizes.
func RefsToProto(refs []blob.Ref) (list []*anthillv1.BlobRef) {
	for _, r := range refs {
		list = append(list, RefToProto(r))
	}
	return list
}

// RefsFromProto reads the references in a field.
func RefsFromProto(field string, list []*anthillv1.BlobRef) (refs []blob.Ref, err error) {
	for _, m := range list {
		r, err := RefFromProto(field, m)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	return refs, nil
}

// outputToProto gives none for the output of an open task or of a failure.
func outputToProto(r blob.Ref) *anthillv1.BlobRef {
	if r.ID.IsZero() {
		return nil
	}
	return RefToProto(r)
}

// IDFromProto reads the id in a field: 32 bytes.
func IDFromProto(field string, raw []byte) (blob.ID, error) {
	id, err := blob.IDFrom(raw)
	if err != nil {
		return id, jobs.InvalidField(field, "%v", err)
	}
	return id, nil
}

// IDsToProto gives 32 bytes for each id.
func IDsToProto(ids []blob.ID) (list [][]byte) {
	for _, id := range ids {
		list = append(list, id[:])
	}
	return list
}

// IDsFromProto reads the ids in a field.
func IDsFromProto(field string, list [][]byte) (ids []blob.ID, err error) {
	for _, raw := range list {
		id, err := IDFromProto(field, raw)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
