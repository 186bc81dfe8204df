// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <unordered_map>

namespace farthing {
namespace {

class PrometheusCounter final : public Counter {
  public:
    explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
    void add(double by) override { counter_.Increment(by); }

  private:
    prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
  public:
    explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
    void set(double value) override { gauge_.Set(value); }

  private:
    prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
  public:
    explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
    void observe(double value) override { histogram_.Observe(value); }

  private:
    prometheus::Histogram& histogram_;
};

/// Our wrapper of each Prometheus object, one per object.
template <class Ours, class Wrapper, class Theirs>
class Wrappers {
  public:
    Ours& of(Theirs& theirs) {
        auto& slot = known_[&theirs];
        if (!slot) slot = std::make_unique<Wrapper>(theirs);
        return *slot;
    }

  private:
    std::unordered_map<Theirs*, std::unique_ptr<Wrapper>> known_;
};

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
    std::mutex mutex;  ///< guards the three tables; the metrics themselves are atomic
    Wrappers<Counter, PrometheusCounter, prometheus::Counter> counters;
    Wrappers<Gauge, PrometheusGauge, prometheus::Gauge> gauges;
    Wrappers<Histogram, PrometheusHistogram, prometheus::Histogram> histograms;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
    const std::lock_guard lock(impl_->mutex);
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
    return impl_->counters.of(family.Add(labels));
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    const std::lock_guard lock(impl_->mutex);
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
    return impl_->gauges.of(family.Add(labels));
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                              const std::vector<double>& buckets, const Labels& labels) {
    const std::lock_guard lock(impl_->mutex);
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
    return impl_->histograms.of(family.Add(labels, buckets));
}

std::string Metrics::expose() const {
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace farthing
