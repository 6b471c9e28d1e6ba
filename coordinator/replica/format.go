package replica

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// checkFormat looks whether this version can go on with what is on disk, before
// raft begins to: that could only panic. Versions only rise along the log, so the
// newest snapshot and the oldest and newest command tell.
func checkFormat(logs raft.LogStore, snapshots raft.SnapshotStore) error {
	list, err := snapshots.List()
	if err != nil {
		return fmt.Errorf("list snapshots: %w", err)
	}
	if len(list) > 0 {
		if err := checkSnapshot(snapshots, list[0].ID); err != nil {
			return fmt.Errorf("snapshot %s: %w", list[0].ID, err)
		}
	}
	return checkLog(logs)
}

func checkSnapshot(snapshots raft.SnapshotStore, id string) error {
	_, file, err := snapshots.Open(id)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	var version [1]byte
	if _, err := file.Read(version[:]); err != nil {
		return err
	}
	return checkVersion(version[0])
}

func checkLog(logs raft.LogStore) error {
	index, err := logs.FirstIndex()
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	last, err := logs.LastIndex()
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if index == 0 {
		return nil // it is empty
	}
	if err := checkFirst(logs, index, last, 1); err != nil {
		return err
	}
	return checkFirst(logs, last, index, -1)
}

// checkFirst looks at the first command on the way from one entry to another.
func checkFirst(logs raft.LogStore, from, to uint64, step int) error {
	var entry raft.Log
	for index := from; ; index = uint64(int64(index) + int64(step)) {
		if err := logs.GetLog(index, &entry); err != nil {
			return fmt.Errorf("read log entry %d: %w", index, err)
		}
		if entry.Type == raft.LogCommand && len(entry.Data) > 0 {
			if err := checkVersion(entry.Data[0]); err != nil {
				return fmt.Errorf("log entry %d: %w", index, err)
			}
			return nil
		}
		if index == to {
			return nil
		}
	}
}
