// SPDX-License-Identifier: Apache-2.0
// Env: the world every service is given first. Real parts are made in app, once; tests hand in
// their own.
#pragma once

#include "farthing/io/clock.hpp"
#include "farthing/io/log.hpp"
#include "farthing/io/metrics.hpp"
#include "farthing/io/random.hpp"

namespace farthing {

struct Env {
    Clock& clock;
    Random& random;
    Log& log;
    Metrics& metrics;
};

}  // namespace farthing
