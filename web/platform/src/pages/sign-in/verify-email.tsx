import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="verify-email" />;

export default Page;
