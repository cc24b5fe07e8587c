# One of jest's projects. `npm run test:unit -- --watch`; `npm run test:servers -- test/adapters/kafka`: that directory alone,
# against servers that stay up for the next run, with their data in .stack-test.
set -e
project=$1
shift
if [ "$project" = servers ]; then
  export ORDERS_TEST_STACK="${ORDERS_TEST_STACK:-.stack-test}"
  echo "The servers in $ORDERS_TEST_STACK stay up; end them with: npm run stack -- down --home $ORDERS_TEST_STACK" >&2
else
  set -- --maxWorkers=100% "$@"
fi
# The project's name last: jest would take paths after it for more names.
exec jest "$@" --selectProjects "$project"
