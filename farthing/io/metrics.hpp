// SPDX-License-Identifier: Apache-2.0
// Metrics: counters, gauges and histograms in Prometheus text. Labels come from closed sets only.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace farthing {

class Counter {
  public:
    virtual ~Counter() = default;
    virtual void add(double by = 1) = 0;
};
class Gauge {
  public:
    virtual ~Gauge() = default;
    virtual void set(double value) = 0;
};
class Histogram {
  public:
    virtual ~Histogram() = default;
    virtual void observe(double value) = 0;
};

using Labels = std::map<std::string, std::string>;

/// Thread-safe. Returned references live as long as the registry; asking again for the same name
/// and labels gives the same one.
class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
    Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
    /// Buckets are upper bounds, ascending.
    Histogram& histogram(const std::string& name, const std::string& help,
                         const std::vector<double>& buckets, const Labels& labels = {});
    /// Prometheus text format 0.0.4.
    [[nodiscard]] std::string expose() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farthing
