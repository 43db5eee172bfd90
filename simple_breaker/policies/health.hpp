// What the upstream's health route answered.
#pragma once

namespace cb {

enum class Health { up, down };

}  // namespace cb
