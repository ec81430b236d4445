aws_secret_access_key = "55gHDFpn8/Clm0vRXeahHA3AR+xz2/d8T1FjP7pb"
uploads_bucket        = "assistant-uploads"
