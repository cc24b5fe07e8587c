import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** Bundles the workflows; takes a second or two, so once per process group. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows'),
    payloadConverterPath: require.resolve('../workflows/runtime/payload-converter'),
    workflowInterceptorModules: [
      require.resolve('../workflows/runtime/odd-names'),
      require.resolve('../workflows/runtime/odd-results'),
      require.resolve('../workflows/runtime/history-size'),
      require.resolve('../workflows/runtime/trace-context'),
    ],
    logger: new DefaultLogger('WARN'),
  });
}
