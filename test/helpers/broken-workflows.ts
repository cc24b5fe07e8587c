/** As a faulty version would have it: each task of the workflow fails. */
export function captureOrders(): Promise<never> {
  return Promise.reject(new Error('another version of captureOrders'));
}
