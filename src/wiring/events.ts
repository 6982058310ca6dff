import type { KubernetesApi } from '../kubernetes/client.ts';
import { createEventRecorder, type EventRecorder } from '../kubernetes/event-recorder.ts';
import type { ServiceInput } from './service-input.ts';

/** Undefined without Kubernetes. */
export function openEvents(
  { clock, log }: ServiceInput,
  kubernetes: KubernetesApi | undefined,
  cleanUp: AsyncDisposableStack,
): EventRecorder | undefined {
  if (kubernetes === undefined) return undefined;
  const events = createEventRecorder({ api: kubernetes, clock, log });
  cleanUp.defer(() => events.close());
  return events;
}
