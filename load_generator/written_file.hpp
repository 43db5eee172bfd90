// Writing what a run leaves on disk.
#pragma once

#include <string>

namespace load {

// Makes the folder where needed. Writes PATH.tmp first, and then gives it its name: who reads PATH meanwhile has the
// old content or the new one, never a part. What is there and no regular file (a link, a device) stays what it is and
// is written to. Throws std::runtime_error naming the path where it cannot be written, and
// leaves no PATH.tmp then.
void write_file(const std::string& path, const std::string& content);

}  // namespace load
