# The same parameters, defaults and words as in ../cloudformation.

variable "kind" {
  type        = string
  description = "realtime, async or batch."

  validation {
    condition     = contains(["realtime", "async", "batch"], var.kind)
    error_message = "kind is realtime, async or batch."
  }
}

variable "name" {
  type        = string
  default     = "cochl-sense"
  description = "Of the endpoint, or of the model for batch transform. Names of topics, alarms and policies begin with it."
}

variable "image_uri" {
  type        = string
  description = "The image in ECR, by digest or by a tag that never moves."
}

variable "repository_arn" {
  type        = string
  description = "The ECR repository of the image."
}

variable "bucket_name" {
  type        = string
  description = "The bucket with input/, output/, failures/ and models/."
}

variable "model_data_url" {
  type        = string
  default     = null
  description = "s3://.../model.tar.gz instead of the bundled model."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further settings (docs/tuning.md), such as SENSE_THRESHOLDS."
}

variable "instance_type" {
  type        = string
  default     = "ml.c7i.xlarge"
  description = "The bundled model needs no GPU."
}

variable "inference_ami_version" {
  type        = string
  default     = null
  description = "al2023-ami-sagemaker-inference-gpu-4-1 for a GPU, since CUDA 13 needs its driver 580."
}

variable "min_instances" {
  type        = number
  default     = 1
  description = "Of a real-time endpoint. An asynchronous one goes down to 0."
}

variable "max_instances" {
  type    = number
  default = 4
}

variable "invocations_per_instance" {
  type        = number
  default     = 300
  description = "Per minute, which scaling of a real-time endpoint aims at."
}

variable "max_requests" {
  type        = number
  default     = 32
  description = "Requests inside one container of a real-time endpoint at once. One more gets 429."
}

variable "max_concurrent_invocations" {
  type        = number
  default     = 4
  description = "For each instance of an asynchronous endpoint. Each may write 1 GiB to disk."
}

variable "backlog_per_instance" {
  type        = number
  default     = 8
  description = "Scaling of an asynchronous endpoint keeps about as many requests waiting for each instance."
}

variable "alarm_topic_arn" {
  type        = string
  default     = null
  description = "The topic that gets alarms."
}

variable "subnet_ids" {
  type        = list(string)
  default     = []
  description = "The containers' subnets, with security_group_ids. Empty for no VPC of your own."
}

variable "security_group_ids" {
  type        = list(string)
  default     = []
  description = "For the containers in subnet_ids."
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "Encrypts volumes, answers, failures, topics and captured data. null for keys of AWS."
}

variable "capture_percent" {
  type        = number
  default     = 0
  description = "The share of requests that is copied to captured/ of the bucket. 0 for none, since recordings hold voices."
}

variable "canary_percent" {
  type        = number
  default     = 50
  description = "The share of a real-time endpoint's capacity that an update moves first."
}

variable "canary_seconds" {
  type        = number
  default     = 300
  description = "The time in which the errors alarm can still turn an update back."
}
