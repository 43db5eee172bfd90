#pragma once

namespace cb {

// What the upstream's health route says.
enum class Health { up, down };

}  // namespace cb
