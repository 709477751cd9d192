package server

// These are bounds for memory's sake: Windows has none on files and sockets.
func maxConnections() int { return 100_000 }
func maxFilesSent() int   { return 10_000 }
