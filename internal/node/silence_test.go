package node

import (
	"errors"
	"testing"
	"time"
)

// TestSilenceIsTold after five seconds, then once a minute, and when it is over.
func TestSilenceIsTold(t *testing.T) {
	var s Silence
	now, told := time.Now(), []int(nil)
	if _, _, yes := s.Lasts(); yes || s.Answered() {
		t.Error("it is silent from the start")
	}
	for second := range 130 {
		if tell, long := s.Unanswered(now.Add(time.Duration(second)*time.Second), errors.New("refused")); tell {
			told = append(told, second)
			if long != time.Duration(second)*time.Second {
				t.Errorf("after %d seconds it says %v", second, long)
			}
		}
	}
	if len(told) != 3 || told[0] != 5 || told[1] != 65 || told[2] != 125 {
		t.Errorf("it was told after %v seconds", told)
	}
	if since, why, yes := s.Lasts(); !yes || !since.Equal(now) || why != "refused" {
		t.Errorf("silent since %v, %q: %v", since, why, yes)
	}
	if !s.Answered() || s.Answered() {
		t.Error("that it is over is to be told once")
	}
	if tell, _ := s.Unanswered(now, errors.New("refused")); tell {
		t.Error("a moment's silence is told")
	}
}
