// Writing what a run leaves on disk.
#pragma once

#include <string>

namespace load {

// Makes the folder where needed. Throws std::runtime_error naming the path where it cannot be written.
void write_file(const std::string& path, const std::string& content);

}  // namespace load
