// Writing what a run leaves on disk.
#pragma once

#include <string>

namespace load {

// Makes the folder where needed. Writes a file beside PATH first, under a name of its own, and then gives it this one:
// who reads PATH meanwhile has the old content or the new one, never a part, and of two who write it at once one is the
// last. What is there and no regular file (a link, a device) stays what it is and is written to. Throws
// std::runtime_error naming the path where it cannot be written, and leaves nothing beside it then. Thread-safe.
void write_file(const std::string& path, const std::string& content);

}  // namespace load
