// Writes a file in one step.
#pragma once

#include <string>

namespace load {

// Makes the folder if needed. Writes a temporary file beside `path` and renames it: a reader sees the old content or
// the new one, never a part, and of two concurrent writers one wins. If `path` is not a regular file (a link, a
// device), it is written to directly and stays what it is. Throws std::runtime_error that names the path if it cannot
// be written, and leaves no temporary file then. Thread-safe.
void write_file(const std::string& path, const std::string& content);

}  // namespace load
