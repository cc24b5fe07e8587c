import type { MetricCounter, MetricGauge, MetricHistogram, MetricMeter } from '@temporalio/common';
import { METRICS, type MetricName, type Metrics } from '../ports';

/** Buckets by metric, for the exporter. */
export const BUCKETS: Record<string, number[]> = Object.fromEntries(
  Object.entries(METRICS).flatMap(([name, about]) =>
    'buckets' in about ? [[name, [...about.buckets]]] : [],
  ),
);

/**
 * Our metrics through the meter that also has those of Temporal's SDK, so that one exporter shows both. The meter refuses
 * what is below 0: a clock that is behind, or a time before 1970, counts as 0.
 */
export function createMetrics(meter: MetricMeter): Metrics {
  const counters = new Map<string, MetricCounter>();
  const gauges = new Map<string, MetricGauge>();
  const histograms = new Map<string, MetricHistogram>();
  const help = (name: MetricName) => METRICS[name].help;
  return {
    add(name, value, labels = {}) {
      // The exporter appends the ending.
      const make = () => meter.createCounter(name.replace(/_total$/, ''), undefined, help(name));
      known(counters, name, make).add(taken(value), labels);
    },
    set(name, value, labels = {}) {
      known(gauges, name, () => meter.createGauge(name, 'float', undefined, help(name))).set(
        taken(value),
        labels,
      );
    },
    observe(name, value, labels = {}) {
      const make = () => meter.createHistogram(name, 'float', undefined, help(name));
      known(histograms, name, make).record(taken(value), labels);
    },
  };
}

function known<M>(all: Map<string, M>, name: string, make: () => M): M {
  const found = all.get(name) ?? make();
  all.set(name, found);
  return found;
}

const taken = (value: number) => (value > 0 && Number.isFinite(value) ? value : 0);
