// A BlockPool is memory for small objects, millions of which are made and freed: what was given back is kept by size,
// and the next object of that size gets it. Belongs to one thread. Running out of memory ends the process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <utility>

namespace simulation {

class BlockPool {
 public:
  void* take(size_t size) {
    if (size > most) return take_large(size);
    Free*& first = free_[blocks_for(size)];
    if (first != nullptr) return std::exchange(first, first->next);
    return chunks_.allocate(blocks_for(size) * block, block);
  }
  void give_back(void* memory, size_t size) {
    if (size > most) return std::free(memory);
    Free*& first = free_[blocks_for(size)];
    first = new (memory) Free{first};
  }
  static bool has_room(size_t taken, size_t size) { return taken <= most && blocks_for(taken) == blocks_for(size); }

 private:
  struct Free {
    Free* next;
  };
  static constexpr size_t block = 16;
  static constexpr size_t most = 2048;  // larger ones are malloc's
  static size_t blocks_for(size_t size) { return (size + block - 1) / block; }
  static void* take_large(size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) std::abort();
    return memory;
  }

  std::pmr::monotonic_buffer_resource chunks_;
  std::array<Free*, most / block + 1> free_{};  // by blocks
};

}  // namespace simulation
