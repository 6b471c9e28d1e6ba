package screen_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/module/screen"
)

// TestTheTableOfLimitsIsRight reads the limits that authors read.
func TestTheTableOfLimitsIsRight(t *testing.T) {
	text, err := os.ReadFile("../../../docs/tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{
		fmt.Sprintf("size of the module | %d bytes", screen.MaxSize),
		fmt.Sprintf("types | %d", screen.MaxTypes),
		fmt.Sprintf("parameters of a function | %d", screen.MaxParams),
		fmt.Sprintf("results of a function | %d", screen.MaxResults),
		fmt.Sprintf("imports | %d", screen.MaxImports),
		fmt.Sprintf("exports | %d", screen.MaxExports),
		fmt.Sprintf("name of an import or export | %d bytes", screen.MaxName),
		fmt.Sprintf("functions | %d", screen.MaxFunctions),
		fmt.Sprintf("globals | %d", screen.MaxGlobals),
		fmt.Sprintf("mutable globals | %d", screen.MaxMutableGlobals),
		fmt.Sprintf("tables | %d", screen.MaxTables),
		fmt.Sprintf("entries of all tables | %d", screen.MaxTableEntries),
		fmt.Sprintf("element segments | %d", screen.MaxElementSegments),
		fmt.Sprintf("elements | %d", screen.MaxElements),
		fmt.Sprintf("data segments | %d", screen.MaxDataSegments),
		fmt.Sprintf("custom sections | %d", screen.MaxCustomSections),
		fmt.Sprintf("code | %d bytes", screen.MaxCode),
		fmt.Sprintf("body of a function | %d bytes", screen.MaxBody),
		fmt.Sprintf("locals of a function, with its parameters | %d", screen.MaxLocals),
		fmt.Sprintf("nested blocks | %d", screen.MaxDepth),
		fmt.Sprintf("targets of a `br_table` | %d", screen.MaxBranchTable),
		fmt.Sprintf("work of a function | %d units", screen.MaxWork),
		fmt.Sprintf("work of the module | %d units and %d per byte of code", screen.ModuleWork, screen.WorkPerByte),
	}
	_, table, _ := strings.Cut(string(text), "\n| limit |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range rows {
		if !strings.Contains(table, "\n| "+row+" |") {
			t.Errorf("docs/tasks.md has no row %q", row)
		}
	}
	if n := strings.Count(table, "\n| "); n != len(rows) {
		t.Errorf("docs/tasks.md has %d rows, the screen %d limits", n, len(rows))
	}
}
