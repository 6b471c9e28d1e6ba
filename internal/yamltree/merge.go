package yamltree

// merge adds the fields that the values of << keys have and this map has not: what
// stands in the map itself counts, and then what is merged first.
func (n *Node) merge(values []*Node) error {
	if len(values) == 0 {
		return nil
	}
	if err := n.checkNames(); err != nil {
		return err
	}
	has := make(map[string]bool, len(n.Fields))
	for _, f := range n.Fields {
		has[f.Name] = true
	}
	for _, value := range values {
		sources, err := mergeable(value)
		if err != nil {
			return err
		}
		for _, source := range sources {
			for _, f := range source.Fields {
				if !has[f.Name] {
					has[f.Name] = true
					n.Fields = append(n.Fields, f)
				}
			}
		}
	}
	return nil
}

// mergeable are the maps that the value of a << key stands for.
func mergeable(value *Node) ([]*Node, error) {
	sources := []*Node{value}
	if value.Kind == List {
		sources = value.List
	}
	for _, source := range sources {
		if source.Kind != Map {
			return nil, invalid(source.Line, `write "<<" in quotes if it is a name`, "<< takes in the fields of a map, and this is none")
		}
	}
	return sources, nil
}

// checkNames refuses a field that stands twice in a map.
func (n *Node) checkNames() error {
	lines := make(map[string]int, len(n.Fields))
	for _, f := range n.Fields {
		if first, twice := lines[f.Name]; twice {
			return invalid(f.Line, "leave one of them out", "key %q already set in line %d", f.Name, first)
		}
		lines[f.Name] = f.Line
	}
	return nil
}

// nodeWeight is about what a node takes besides its text, in bytes.
const nodeWeight = 32

// weigh tells how much a node stands for, once the nodes in it are weighed.
func (n *Node) weigh() int64 {
	weight := int64(nodeWeight + len(n.Text))
	for _, child := range n.List {
		weight = min(weight+child.weight, mostAliased+1)
	}
	for _, f := range n.Fields {
		weight = min(weight+int64(len(f.Name))+f.Value.weight, mostAliased+1)
	}
	return weight
}
