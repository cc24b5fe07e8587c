/** Input of an activity that can tell the workflow its pipeline's name. */
export interface Unnamed {
  /** The workflow does not know the name yet. Absent where it does, so that history does not repeat it. */
  unnamed?: true;
}

/** Part of the result, where the workflow asked and may set search attributes. */
export interface Named {
  /** The topic's name. */
  pipeline?: string;
}

/**
 * Adds the pipeline's name to what an activity returns, if the namespace knows the search attributes: setting one that it
 * does not know would fail the workflow's task. So a workflow that has the name may set them, and no other.
 */
export function namingPipeline(pipelineName: () => Promise<string | undefined>) {
  return <A extends [(Unnamed & object)?], R extends object>(activity: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R & Named> => {
      const result = await activity(...args);
      if (args.length > 0 && args[0]?.unnamed !== true) return result;
      const pipeline = await pipelineName();
      return pipeline === undefined ? result : { ...result, pipeline };
    };
}
