package server

// maxConnections is a bound for memory's sake: Windows has none on sockets.
func maxConnections() int { return 100_000 }
