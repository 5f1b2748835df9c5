"""Amazon SageMaker on this machine, for tests and laptops: `python -m local_sagemaker --help`.

Real-time and asynchronous invocations and transform jobs run against a real container or the local server. S3 and the
control plane are moto's. With AWS_ENDPOINT_URL set to its URL, boto3 scripts and AWS CLI commands run unchanged.

    __main__.py     the command
    gateway.py      one URL for all of it
    runtime.py      invoke_endpoint and invoke_endpoint_async as HTTP
    asynchronous.py what happens to an asynchronous request after its 202
    transform.py    transform jobs
    containers.py   starting a container, and one invocation of it
    storage.py      s3:// locations

It follows the rules that AWS publishes: which headers reach the container, which come back, how large a request may be,
how long it may take, and how an error of the container looks to the caller. A comment marks what AWS does not publish
(the text of a failure object).
"""
