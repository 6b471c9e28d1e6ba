package reach

import anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"

// Proto says what a node's router makes of its UDP packets.
func (m Mapping) Proto() anthillv1.UdpMapping {
	switch m {
	case Same:
		return anthillv1.UdpMapping_UDP_MAPPING_SAME
	case Different:
		return anthillv1.UdpMapping_UDP_MAPPING_DIFFERENT
	}
	return anthillv1.UdpMapping_UDP_MAPPING_NONE
}

// MappingFromProto takes a number that it does not know for no UDP.
func MappingFromProto(m anthillv1.UdpMapping) Mapping {
	switch m {
	case anthillv1.UdpMapping_UDP_MAPPING_SAME:
		return Same
	case anthillv1.UdpMapping_UDP_MAPPING_DIFFERENT:
		return Different
	}
	return NoUDP
}
