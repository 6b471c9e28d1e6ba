// Package identity says which node is which: node keys, the grid's certificate
// authority, certificates, join tokens and the TLS that ties them together.
//
// A node is its Ed25519 key; its id is the hash of the public key. The grid is
// its authority (CA); the grid's id is the hash of the CA's public key. A
// certificate's one URI name, spiffe://GRID/ROLE/NODE, says what the authority
// lets a key do. A node that has no certificate yet shows a self-signed one and is
// a Stranger: only coordinators talk to it, and only to enrol it.
//
// Certificates say who a node was when it was admitted; bans live in the
// replicated state and are checked on each call.
package identity
